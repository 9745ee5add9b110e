"""`docs/operations.md` knows every setting and command, and what it tells operators to type works."""

from __future__ import annotations

import inspect
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app import create_app
from billing import accounts, adjustments, attempts, customers, erasure
from billing.db import db
from billing.money import MICRO
from config import ROOT, Settings, load_settings, secret_fields
from tests.docs.commands import all_commands, named_commands, options, own_commands
from tests.docs.markdown import blocks, code, prose, read, section, tables

TEXT = read("docs/operations.md")
(SETTINGS,) = tables(section(TEXT, "Settings"))
(COMMANDS,) = tables(section(TEXT, "Commands"))


def test_settings_are_all_of_them() -> None:
    assert {code(row[0])[0] for row in SETTINGS} == {name.upper() for name in Settings.model_fields}


def test_settings_say_which_are_secret() -> None:
    told = {code(row[0])[0].lower() for row in SETTINGS if "*secret*" in row[0]}
    assert told == secret_fields()


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: code(row[0])[0])
def test_settings_show_their_default(row: list[str]) -> None:
    field = Settings.model_fields[code(row[0])[0].lower()]
    default = field.get_default()
    if field.is_required():
        assert row[1] == "required"
    elif field.default_factory is not None:
        assert row[1] == "`http://127.0.0.1:PORT`"
    elif default is None:
        assert row[1] == "unset"
    else:
        value = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        assert code(row[1]) == [str(value)]


def test_settings_without_effect_are_those_that_nobody_reads() -> None:
    """Once somebody reads them, their row has to say what they do."""
    doors = ("app.py", "billing", "webhooks", "api", "web", "commands", "worker")
    paths = [
        path for name in doors for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    ]
    source = "".join(path.read_text() for path in paths)
    idle = {code(row[0])[0].lower() for row in SETTINGS if "so far" in row[2]}
    assert idle == {name for name in ("enforcement", "mail_url") if not re.search(rf"settings\.{name}\b", source)}


def test_commands_are_all_of_ours(app: Flask) -> None:
    ours = own_commands(app)
    told = {named_commands(row[0])[0]: row for row in COMMANDS}
    assert told.keys() == ours.keys()
    for words, row in told.items():
        assert set(re.findall(r"--[a-z-]+", row[0])) == options(ours[words]) - {"--json"}, words
        assert "--json" in options(ours[words]), words


def test_commands_say_which_can_find_something(app: Flask) -> None:
    for row in COMMANDS:
        callback = own_commands(app)[named_commands(row[0])[0]].callback
        assert callback is not None
        source = inspect.getsource(inspect.unwrap(callback))
        assert bool(row[2]) == ("FINDING" in source), row[0]


def test_commands_named_elsewhere_exist(app: Flask) -> None:
    known = all_commands(app).keys() | {"shell"}  # Flask's own
    for words in named_commands(prose(TEXT)):
        assert words in known or words.split()[0] in known, words


def test_production_is_what_is_shown(app: Flask) -> None:
    upgrade, serve, work = blocks(TEXT)[0].splitlines()
    assert upgrade.removeprefix("flask ") in all_commands(app)
    assert work.removeprefix("flask ") in all_commands(app)
    assert " ".join(shlex.split(serve)) in (ROOT / "README.md").read_text()
    assert (ROOT / "gunicorn.conf.py").is_file()


def test_readyz_names_the_parts_that_are_told(client: FlaskClient) -> None:
    (row,) = [row for row in tables(section(TEXT, "Watching"))[0] if row[0] == "`/readyz`"]
    parts = client.get("/readyz").get_json()["parts"]
    assert set(parts) <= set(code(row[1]))


def test_addresses_to_watch_exist(client: FlaskClient) -> None:
    for row in tables(section(TEXT, "Watching"))[0]:
        assert client.get(code(row[0])[0]).status_code == 200


def test_series_to_watch_are_in_the_metrics(client: FlaskClient) -> None:
    told = [code(row[0])[0] for row in tables(section(TEXT, "Watching"))[1]]
    there = set(re.findall(r"^(\w+)", client.get("/metrics").get_data(as_text=True), re.MULTILINE))
    assert len(told) > 8
    assert set(told) <= there


def test_log_lines_are_written_somewhere() -> None:
    source = "".join(
        path.read_text()
        for room in ("billing", "webhooks", "web", "api", "worker")
        for path in (ROOT / room).rglob("*.py")
    )
    lines = [name for row in tables(section(TEXT, "Watching"))[2] for name in code(row[0])]
    assert len(lines) >= 10
    for line in lines:
        assert re.search(rf'_log\.(warning|error|exception)\(\s*"{line}"', source), line


def test_sqlite_backup_is_whole(app: Flask, tmp_path: Path) -> None:
    """The line that operators copy, run while the server has the file open."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    if not url.startswith("sqlite"):
        pytest.skip("of SQLite")
    customers.ensure_customer("user-1")
    words = shlex.split(blocks(TEXT, "sh")[0].replace("\\\n", " "))
    assert words[0] == "python3"
    copy = tmp_path / "copy.sqlite3"
    script = words[1:3]
    subprocess.run([sys.executable, *script, url.removeprefix("sqlite:///"), str(copy)], check=True)
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (1,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_role_of_the_server_is_enough_and_no_more(environ: dict[str, str]) -> None:
    """With the grants shown, Saldo opens books and spends, and cannot switch a trigger off."""
    url = environ["DATABASE_URL"]
    if not url.startswith("postgresql"):
        pytest.skip("of PostgreSQL")
    with psycopg.connect(url, autocommit=True) as owner:
        try:
            for statement in blocks(TEXT, "sql")[0].split(";"):
                if statement.strip():
                    owner.execute(statement)  # type: ignore[call-overload]
            _spend_as_server(environ)
            with psycopg.connect(_as_server(url)) as server, pytest.raises(psycopg.errors.InsufficientPrivilege):
                server.execute("ALTER TABLE entries DISABLE TRIGGER ALL")
            with psycopg.connect(_as_server(url)) as server, pytest.raises(psycopg.errors.InsufficientPrivilege):
                server.execute("DELETE FROM customers")
        finally:
            owner.execute("DROP OWNED BY saldo_server")
            owner.execute("DROP ROLE saldo_server")


def _as_server(url: str) -> str:
    return make_conninfo(url, user="saldo_server")


def _spend_as_server(environ: dict[str, str]) -> None:
    parts = conninfo_to_dict(environ["DATABASE_URL"])
    url = f"postgresql://saldo_server@/{parts['dbname']}?host={parts['host']}"
    app = create_app(load_settings(environ | {"DATABASE_URL": url}))
    with app.app_context():
        account_id = customers.ensure_customer("user-42")[0].account_id
        adjustments.grant_credits(account_id, 1000 * MICRO, "Welcome", "operator")
        adjustments.take_credits(account_id, 500 * MICRO, "Granted twice", "operator")
        assert accounts.read_balance(account_id).balance == 560 * MICRO
        assert attempts.forget_attempts("somebody") == 0
        assert erasure.erase_customer(account_id, "operator") is True
        assert app.test_client().get("/readyz").status_code == 200
        db.session.remove()
        db.engine.dispose()
