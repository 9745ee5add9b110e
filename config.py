"""Every setting, with its default, in one home; a wrong one stops the start with a sentence that names it.

Settings come from the environment alone. In development `flask` itself first reads `.env` into it (and
`.flaskenv`, which `run.py` lays down while the demo runs); what the environment already says wins. gunicorn
reads neither, so a production server never runs on a file that somebody left lying about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

import limits
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

ROOT = Path(__file__).resolve().parent
"""The project's folder: relative paths in settings start here, whatever the working directory is."""


class SettingsError(Exception):
    """One or more settings are missing or contradict each other; the text has one line for each."""


def _absolute(path: Path) -> Path:
    return ROOT / path.expanduser()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # its text would repeat the address, and a password with it
        raise ValueError("is not an address") from None
    return parts


def _check_origin(url: str) -> str:
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("is not an http(s) address")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("has a path; only scheme, host and port are allowed")
    return url.removesuffix("/")


def _check_database_url(secret: SecretStr) -> SecretStr:
    scheme, separator, rest = secret.get_secret_value().partition("://")
    if not separator:
        raise ValueError("is not an address")
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        if path in ("", rest, ":memory:"):
            raise ValueError("names no file that server and worker could share")
        if "?" in path:
            raise ValueError("has options after the file's name")
        return SecretStr(f"sqlite:///{_absolute(Path(path))}")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        return SecretStr(f"postgresql+psycopg://{rest}")
    raise ValueError("names another kind of database")


def _check_secret_key(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 16:
        raise ValueError("is shorter than 16 characters")
    return secret


def _check_stripe_key(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[sr]k_(test|live)_[A-Za-z0-9_]+", secret.get_secret_value()):
        raise ValueError("is not a secret or restricted key of Stripe")
    return secret


def _check_webhook_secret(secret: SecretStr) -> SecretStr:
    for part in secret.get_secret_value().split(","):
        if not re.fullmatch(r"whsec_\S+", part.strip()):
            raise ValueError("has a part that does not begin with whsec_")
    return secret


def _check_mail_url(secret: SecretStr) -> SecretStr:
    parts = _split(secret.get_secret_value())
    known = {
        "console": True,
        "file": bool(parts.path.strip("/")),
        "smtp": bool(parts.hostname),
        "smtps": bool(parts.hostname),
    }
    if not known.get(parts.scheme):
        raise ValueError("is not an address for mail")
    if parts.query and not re.fullmatch(r"from=[^\s&@]+@[^\s&@]+", parts.query):
        raise ValueError("has more behind it than ?from=ADDRESS")
    return secret


def _check_rate(text: str) -> str:
    try:
        parts = limits.parse_many(text)
    except ValueError:
        raise ValueError("is not a rate") from None
    if any(part.amount < 1 for part in parts):
        raise ValueError("lets nobody call")
    return text


def _check_counter_store(secret: SecretStr) -> SecretStr:
    if not re.match(r"(memory|rediss?|redis\+\w+|valkeys?|memcached|mongodb)://", secret.get_secret_value()):
        raise ValueError("names no kind of store that is known")
    return secret


_Origin = Annotated[str, AfterValidator(_check_origin)]
_Path = Annotated[Path, AfterValidator(_absolute)]


class Settings(BaseModel):
    """What an installation can choose: field `port` is the variable `PORT`; descriptions say what is allowed.

    A `SecretStr` never shows its value in a repr, a log or a traceback, and may also be given as the name of
    a file that holds it (`SECRET_KEY_FILE`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    database_url: Annotated[SecretStr, AfterValidator(_check_database_url)] = Field(
        SecretStr("sqlite:///instance/saldo.sqlite3"),
        description="sqlite:///FILE, postgres://… or postgresql://…",
    )
    secret_key: Annotated[SecretStr, AfterValidator(_check_secret_key)] = Field(
        description="at least 16 characters that nobody can guess; signs sessions and links",
    )
    stripe_secret_key: Annotated[SecretStr, AfterValidator(_check_stripe_key)] = Field(
        description="sk_test_…, sk_live_…, or restricted rk_test_…, rk_live_…; decides live or test mode",
    )
    stripe_webhook_secret: Annotated[SecretStr, AfterValidator(_check_webhook_secret)] = Field(
        description="one or more whsec_…, separated by commas (several while one is being replaced)",
    )
    stripe_api_base: _Origin | None = Field(
        None, description="http(s)://HOST[:PORT] of a stand-in for Stripe; never with a live key"
    )
    test_clock_file: _Path | None = Field(
        None, description="a file that holds seconds to add to business time; never with a live key"
    )
    port: int = Field(8000, ge=1, le=65535, description="1 to 65535")
    public_url: _Origin = Field(
        default_factory=lambda valid: f"http://127.0.0.1:{valid['port']}",
        description="http(s)://HOST[:PORT], the only origin put in links; default http://127.0.0.1:PORT, "
        "with a live key required and https",
    )
    catalog: _Path = Field(Path("catalog.toml"), description="path of the catalog")
    enforcement: Literal["enforce", "observe"] = Field(
        "enforce", description="enforce, or observe: record everything, refuse nothing"
    )
    default_locale: Literal["en", "es", "es_MX"] = Field("en", description="en, es or es_MX")
    mail_url: Annotated[SecretStr, AfterValidator(_check_mail_url)] = Field(
        SecretStr("console://"),
        description="console://, file:///FOLDER, smtp://[USER:PASSWORD@]HOST[:PORT][?from=ADDRESS] or smtps://…",
    )
    refund_typed_above: int = Field(
        10_000, ge=0, le=10**12, description="minor units above which staff type a refund's amount once more"
    )
    refund_alone_max: int = Field(
        50_000, ge=0, le=10**12, description="minor units above which a refund needs a second person"
    )
    refund_alone_day_max: int = Field(
        500_000, ge=0, le=10**12, description="minor units that one actor may give back alone in a day"
    )
    refund_alone_day_count: int = Field(
        100, ge=0, le=10**6, description="how many refunds one actor may make alone in a day"
    )
    trusted_proxies: int = Field(0, ge=0, le=10, description="how many proxies stand in front (0 to 10)")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    # Two, so that one restarting worker is never an outage; each has threads of its own, and writes to SQLite
    # queue behind each other anyway.
    web_concurrency: int = Field(2, ge=1, le=64, description="worker processes, 1 to 64")
    # More than one app needs, and less than a loop gone wild would take from all others.
    api_rate_limit: Annotated[str, AfterValidator(_check_rate)] = Field(
        "500/second", description="how many API calls a key may make, such as 500/second or 50/second;9000/hour"
    )
    ratelimit_storage_uri: Annotated[SecretStr, AfterValidator(_check_counter_store)] = Field(
        SecretStr("memory://"),
        description="where API calls are counted: memory:// in each worker, or redis://… for all together",
    )

    @property
    def livemode(self) -> bool:
        """Whether real money moves: the Stripe key is a live one."""
        return "k_live_" in self.stripe_secret_key.get_secret_value()[:8]

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Every secret that Stripe's webhooks may be signed with."""
        return tuple(part.strip() for part in self.stripe_webhook_secret.get_secret_value().split(","))

    @property
    def api_limits(self) -> tuple[limits.RateLimitItem, ...]:
        """How often a key may call the API, each of these."""
        return _parse_limits(self.api_rate_limit)

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Settings:
        if self.livemode:
            if self.stripe_api_base:
                raise ValueError("STRIPE_API_BASE is for test mode only, but STRIPE_SECRET_KEY is a live key")
            if self.test_clock_file:
                raise ValueError("TEST_CLOCK_FILE is for test mode only, but STRIPE_SECRET_KEY is a live key")
            if not self.public_url.startswith("https://"):
                raise ValueError("PUBLIC_URL must begin with https:// when STRIPE_SECRET_KEY is a live key")
        return self


@cache
def _parse_limits(text: str) -> tuple[limits.RateLimitItem, ...]:
    return tuple(limits.parse_many(text))


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that `environ` (default: the process's environment) asks for.

    A blank value counts as unset. Raises `SettingsError` naming each variable that is missing, not allowed or
    in contradiction with another, and what is allowed.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, str] = {}
    problems: list[str] = []
    for field in Settings.model_fields:
        try:
            value = _read(environ, field)
        except SettingsError as problem:
            problems.append(str(problem))
        else:
            if value:
                values[field] = value.upper() if field == "log_level" else value
    if problems:
        raise SettingsError("\n".join(problems))
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        found = [each for each in error.errors() if each["type"] != "default_factory_not_called"]
        raise SettingsError("\n".join(map(_explain, found))) from None
    _check_files(settings)
    return settings


def secret_fields() -> frozenset[str]:
    """The fields whose value is a secret: those that may be given as NAME_FILE."""
    return frozenset(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)


def _read(environ: Mapping[str, str], field: str) -> str:
    name = field.upper()
    value = environ.get(name, "").strip()
    path = environ.get(f"{name}_FILE", "").strip() if field in secret_fields() else ""
    if not path:
        return value
    if value:
        raise SettingsError(f"{name} and {name}_FILE are both set; keep one of them")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise SettingsError(f"{name}_FILE names a file that cannot be read") from None


def _explain(error: ErrorDetails) -> str:
    if not error["loc"]:
        return str(error["ctx"]["error"])
    field = str(error["loc"][0])
    if error["type"] == "missing":
        problem = "is not set"
    elif error["type"] == "value_error":
        problem = str(error["ctx"]["error"])
    else:
        problem = "is not allowed"
    return f"{field.upper()} {problem}: expected {Settings.model_fields[field].description}"


def _check_files(settings: Settings) -> None:
    """Refuse paths on which the server would fail only later, with its first request."""
    if not settings.catalog.is_file():
        raise SettingsError(f"CATALOG names {settings.catalog}, which is not a file")
    url = settings.database_url.get_secret_value()
    if url.startswith("sqlite:///"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        try:
            folder.mkdir(exist_ok=True)
        except OSError:
            raise SettingsError(f"DATABASE_URL names a file in {folder}, which cannot be made") from None
        if not os.access(folder, os.W_OK):
            raise SettingsError(f"DATABASE_URL names a file in {folder}, which cannot be written to")
