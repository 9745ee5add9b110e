"""`flask catalog check`, `flask config check`, `flask db check`."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from tests.commands.conftest import Run, told

FINE = """
currency = "usd"
[free_plan]
name = "Free"
[plans.basic]
name = "Basic"
price = { month = 15, year = 150 }
credits = 500
[actions.image]
name = "Image"
cost = 5
"""


def test_finds_the_default_catalogs_dear_year_odd(run: Run) -> None:
    result = run("catalog", "check")
    assert result.exit_code == 1
    assert "dearer than 12 months" in result.output
    (finding,) = [f for f in told(run("catalog", "check", "--json"), 1)["findings"] if f["key"].endswith("year")]
    assert finding["level"] == "odd"
    assert finding["line"] > 1


def test_finds_nothing_in_a_fine_catalog(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "fine.toml"
    file.write_text(FINE)
    assert run("catalog", "check", str(file)).exit_code == 0
    assert told(run("catalog", "check", str(file), "--json")) == {"findings": []}


def test_names_the_line_that_is_wrong(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(FINE.replace("credits = 500", "credits = -5"))
    result = run("catalog", "check", str(file))
    assert result.exit_code == 2
    assert "wrong.toml, line 8" in result.output
    assert run("catalog", "check", str(tmp_path / "none.toml")).exit_code == 2


def test_shows_settings_without_secrets(run: Run, app: Flask) -> None:
    shown = told(run("config", "check", "--json"))
    assert shown["mode"] == "test"
    assert shown["settings"]["PUBLIC_URL"] == app.config["SETTINGS"].public_url
    for output in (run("config", "check").output, str(shown)):
        for secret in ("sk_test_", "whsec_", app.config["SECRET_KEY"], "postgresql"):
            assert secret not in output


def test_finds_the_schema_current(run: Run) -> None:
    assert run("db", "check").exit_code == 0
