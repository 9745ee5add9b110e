"""A wrong setting stops the start with a sentence that names the variable; secrets never show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from config import ROOT, Settings, SettingsError, load_settings, secret_fields

SQLITE_HERE = f"sqlite:///{ROOT / 'instance' / 'saldo.sqlite3'}"
TEST_MODE = {
    "SECRET_KEY": "0123456789abcdef",
    "STRIPE_SECRET_KEY": "sk_test_abc123",
    "STRIPE_WEBHOOK_SECRET": "whsec_abc123",
}
LIVE_MODE = TEST_MODE | {"STRIPE_SECRET_KEY": "sk_live_abc123", "PUBLIC_URL": "https://pay.example.com"}


def test_load_gives_every_default_in_test_mode() -> None:
    settings = load_settings(TEST_MODE)
    assert settings.database_url.get_secret_value() == SQLITE_HERE
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.webhook_secrets == ("whsec_abc123",)
    assert (settings.enforcement, settings.default_locale, settings.log_level) == ("enforce", "en", "INFO")
    assert (settings.port, settings.web_concurrency, settings.trusted_proxies) == (8000, 2, 0)
    assert settings.mail_url.get_secret_value() == "console://"
    assert settings.api_rate_limit == "500/second"
    assert settings.ratelimit_storage_uri.get_secret_value() == "memory://"
    assert settings.stripe_api_base is None
    assert settings.test_clock_file is None
    assert not settings.livemode


def test_load_reads_the_process_environment_when_given_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TEST_MODE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PORT", "9123")
    assert load_settings().port == 9123


@pytest.mark.parametrize("name", ["SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"])
@pytest.mark.parametrize("given", [{}, {"blank": " "}])
def test_refuse_names_what_is_missing_or_blank(name: str, given: dict[str, str]) -> None:
    environ = {key: value for key, value in TEST_MODE.items() if key != name}
    if given:
        environ[name] = given["blank"]
    with pytest.raises(SettingsError, match=f"^{name} is not set: expected "):
        load_settings(environ)


def test_refuse_names_every_wrong_setting_on_a_line_of_its_own() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"PORT": "no"})
    assert [line.split()[0] for line in str(caught.value).splitlines()] == [
        "SECRET_KEY",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "PORT",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://localhost/saldo"),
        ("DATABASE_URL", "saldo.sqlite3"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///saldo.sqlite3?mode=ro"),
        ("SECRET_KEY", "fifteen-letters"),
        ("STRIPE_SECRET_KEY", "pk_test_abc123"),
        ("STRIPE_SECRET_KEY", "sk_test_"),
        ("STRIPE_WEBHOOK_SECRET", "abc123"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_abc123,"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_abc123,,whsec_def456"),
        ("STRIPE_API_BASE", "127.0.0.1:12111"),
        ("STRIPE_API_BASE", "http://127.0.0.1:port"),
        ("PUBLIC_URL", "pay.example.com"),
        ("PUBLIC_URL", "https://pay.example.com/saldo"),
        ("PUBLIC_URL", "https://user@pay.example.com"),
        ("ENFORCEMENT", "warn"),
        ("DEFAULT_LOCALE", "de"),
        ("MAIL_URL", "mail.example.com"),
        ("MAIL_URL", "smtp://"),
        ("MAIL_URL", "file://"),
        ("MAIL_URL", "smtp://mail.example.com?from=nobody"),
        ("MAIL_URL", "console://?bcc=eva@example.com"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "*"),
        ("LOG_LEVEL", "loud"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("WEB_CONCURRENCY", "0"),
        ("API_RATE_LIMIT", "often"),
        ("API_RATE_LIMIT", "0/second"),
        ("API_RATE_LIMIT", "-5/second"),
        ("RATELIMIT_STORAGE_URI", "postgresql://u:pazzword@db/saldo"),
    ],
)
def test_refuse_names_the_variable_and_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(TEST_MODE | {name: value})
    message = str(caught.value)
    assert re.match(rf"{name} .+: expected .+", message), message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["STRIPE_API_BASE", "TEST_CLOCK_FILE", "PUBLIC_URL"])
def test_refuse_what_does_not_go_with_a_live_key(name: str) -> None:
    assert load_settings(LIVE_MODE).livemode
    with pytest.raises(SettingsError, match=f"^{name} .*live key"):
        load_settings(LIVE_MODE | {name: "http://127.0.0.1:12111"})


def test_refuse_a_live_key_without_public_url() -> None:
    with pytest.raises(SettingsError, match=r"^PUBLIC_URL must begin with https://"):
        load_settings(LIVE_MODE | {"PUBLIC_URL": ""})


@pytest.mark.parametrize(
    ("key", "livemode"),
    [("sk_test_k_live_", False), ("rk_test_1", False), ("sk_live_1", True), ("rk_live_1", True)],
)
def test_livemode_follows_the_stripe_key(key: str, livemode: bool) -> None:
    assert load_settings(LIVE_MODE | {"STRIPE_SECRET_KEY": key}).livemode is livemode


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@db/saldo", "postgresql+psycopg://u:p@db/saldo"),
        ("postgresql://u:p@db/saldo?sslmode=require", "postgresql+psycopg://u:p@db/saldo?sslmode=require"),
        ("postgresql+psycopg://db/saldo", "postgresql+psycopg://db/saldo"),
        ("sqlite:///instance/saldo.sqlite3", SQLITE_HERE),
        ("sqlite:////tmp/saldo.sqlite3", "sqlite:////tmp/saldo.sqlite3"),
    ],
)
def test_database_url_becomes_a_driver_and_an_absolute_file(given: str, used: str) -> None:
    assert load_settings(TEST_MODE | {"DATABASE_URL": given}).database_url.get_secret_value() == used


def test_refuse_a_database_file_in_a_folder_that_cannot_be_made() -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL names a file in /nowhere/at/all"):
        load_settings(TEST_MODE | {"DATABASE_URL": "sqlite:////nowhere/at/all/saldo.sqlite3"})


def test_refuse_a_catalog_that_is_not_there() -> None:
    with pytest.raises(SettingsError, match=r"^CATALOG names .*missing\.toml"):
        load_settings(TEST_MODE | {"CATALOG": "missing.toml"})


def test_webhook_secret_may_be_several_during_rotation() -> None:
    settings = load_settings(TEST_MODE | {"STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old"})
    assert settings.webhook_secrets == ("whsec_new", "whsec_old")


def test_public_url_follows_the_port_and_loses_its_slash() -> None:
    assert load_settings(TEST_MODE | {"PORT": "9000"}).public_url == "http://127.0.0.1:9000"
    assert load_settings(TEST_MODE | {"PUBLIC_URL": "https://a.example/"}).public_url == "https://a.example"


@pytest.mark.parametrize("field", sorted(secret_fields()))
def test_secret_may_come_from_a_file(field: str, tmp_path: Path) -> None:
    values = TEST_MODE | {
        "DATABASE_URL": "postgresql+psycopg://u:p@db/saldo",
        "MAIL_URL": "smtp://u:p@mail.example.com",
        "RATELIMIT_STORAGE_URI": "redis://127.0.0.1",
    }
    name = field.upper()
    path = tmp_path / "secret"
    path.write_text(values[name] + "\n")
    settings = load_settings({**values, name: "", f"{name}_FILE": str(path)})
    assert getattr(settings, field).get_secret_value() == values[name]
    with pytest.raises(SettingsError, match=f"^{name} and {name}_FILE are both set"):
        load_settings(values | {f"{name}_FILE": str(path)})


def test_refuse_a_secret_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^SECRET_KEY_FILE names a file that cannot be read"):
        load_settings({**TEST_MODE, "SECRET_KEY": "", "SECRET_KEY_FILE": str(tmp_path)})


def test_secrets_show_neither_in_repr_nor_in_errors() -> None:
    values = LIVE_MODE | {
        "DATABASE_URL": "postgresql://u:pazzword@db/saldo",
        "MAIL_URL": "smtp://u:pazzword@mail.example.com",
    }
    settings = load_settings(values)
    assert not re.search("abc123|0123456789abcdef|pazzword", repr(settings) + str(settings.model_dump()))
    with pytest.raises(SettingsError) as caught:
        load_settings(values | {"MAIL_URL": "smtp://u:pazzword", "STRIPE_SECRET_KEY": "pazzword"})
    assert "pazzword" not in str(caught.value)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(TEST_MODE).port = 1


def test_env_example_shows_every_setting_once_with_a_comment_and_its_default() -> None:
    """`.env.example` is documentation: it may not fall behind `Settings`. A copy of it sets nothing yet."""
    path = ROOT / ".env.example"
    assert dotenv_values(path) == {}
    shown = re.findall(r"^# (?![A-Z_]+=).+\n# ([A-Z_]+)=(.*)$", path.read_text(), re.MULTILINE)
    assert sorted(name for name, _ in shown) == sorted(name.upper() for name in Settings.model_fields)
    assert sorted(name for name, value in shown if not value) == [
        "SECRET_KEY",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
    ]
    examples = {name: None for name in ("stripe_api_base", "test_clock_file")}
    as_shown = load_settings(dict(shown) | TEST_MODE)
    assert as_shown.model_copy(update=examples) == load_settings(TEST_MODE)
