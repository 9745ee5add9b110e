"""Migrations lead to exactly the tables that the models describe, down again, and up once more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import Engine as Connections
from sqlalchemy import create_engine, inspect, text

from billing.db import Base, db
from billing.schema import state
from config import ROOT
from tests.conftest import environ_for, rules_only
from tests.engines import Engine
from tests.factories import make_customer, make_grant, use_catalog
from tests.sandbox_server import free_port

DIRECTORY = str(ROOT / "migrations")


def shape(connections: Connections) -> dict[str, Any]:
    """Every table with all that the database enforces on it; what no test of behaviour might touch."""
    inspector = inspect(connections)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            },
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": _by_name(inspector.get_foreign_keys(table)),
            "unique": _by_name(inspector.get_unique_constraints(table)),
            "checks": _by_name(inspector.get_check_constraints(table)),
            "indexes": _by_name(inspector.get_indexes(table)),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _by_name(found: list[Any]) -> dict[str, Any]:
    return {str(each["name"]): _plain(each) for each in found}


def _plain(value: Any) -> Any:
    """Comparable: the condition of a partial index is an object that equals none but itself."""
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else str(value)


def shape_at(url: str) -> dict[str, Any]:
    connections = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        return shape(connections)
    finally:
        connections.dispose()


def test_upgrade_makes_what_the_models_describe(engine: Engine) -> None:
    migrated, described = engine.empty(), engine.empty()
    with rules_only(migrated):
        upgrade(DIRECTORY)
        check(DIRECTORY)
    connections = create_engine(described.replace("postgresql://", "postgresql+psycopg://"))
    Base.metadata.create_all(connections)
    connections.dispose()
    assert shape_at(migrated) == shape_at(described)
    engine.drop(migrated)
    engine.drop(described)


def test_downgrade_leaves_nothing_and_upgrade_works_again(engine: Engine) -> None:
    url = engine.empty()
    with rules_only(url):
        upgrade(DIRECTORY)
    first = shape_at(url)
    with rules_only(url):
        downgrade(DIRECTORY, revision="base")
    assert first
    assert shape_at(url) == {}
    with rules_only(url):
        upgrade(DIRECTORY)
        upgrade(DIRECTORY)  # nothing is left to do, which is no mistake
    assert shape_at(url) == first
    engine.drop(url)


@pytest.mark.parametrize("servers", [2, pytest.param(4, marks=pytest.mark.force)])
def test_upgrade_by_several_at_once_makes_the_schema_once(engine: Engine, servers: int) -> None:
    """F186: several servers deployed at the same time each run the upgrade."""
    url = engine.empty()
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    env = {"PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1", **environ_for(url)}
    upgrades = [subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) for _ in range(servers)]
    for each in upgrades:
        _, said = each.communicate(timeout=60)
        assert each.returncode == 0, said
    with rules_only(url):
        check(DIRECTORY)
    engine.drop(url)


@pytest.mark.parametrize("verb", ["check", "upgrade"])
def test_database_that_does_not_answer_ends_with_2_and_a_sentence(verb: str) -> None:
    """1 is kept for a schema that is not current."""
    nowhere = environ_for(f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none")
    env = {"PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1", **nowhere}
    command = [sys.executable, "-m", "flask", "db", verb]
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "could not: the database does not answer" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_fresh_databases_are_apart(engine: Engine) -> None:
    """What one test writes, no other reads."""
    one, other = engine.fresh(), engine.fresh()
    for url in (one, other):
        connections = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with connections.begin() as connection:
            connection.execute(text("CREATE TABLE mine (id integer)"))
        connections.dispose()
        engine.drop(url)


CHANGES = (
    "CREATE TABLE mine (id integer)",
    "ALTER TABLE mails RENAME TO letters",
    "ALTER TABLE mails RENAME COLUMN kind TO sort",
    "UPDATE alembic_version SET version_num = 'mine'",
)


@pytest.mark.force  # of the tests' own databases; it waits for PostgreSQL to give up each writer
def test_fresh_database_is_as_new_whatever_became_of_those_before(engine: Engine, tmp_path: Path) -> None:
    """Rows that nobody may delete, numbers that count on, another schema, and a writer who has not left."""
    use_catalog(tmp_path)
    shapes, writers = [], []
    for change in (*CHANGES, None, None, None):
        url = engine.fresh()
        with rules_only(url):
            assert state() == "ok"
            shapes.append(shape(db.engine))
            assert make_customer("ana") == 1
            make_grant(1, 100)
            with db.engine.begin() as connection:
                connection.execute(text(change or "DELETE FROM mails"))
            connections = create_engine(db.engine.url)
        writers.append(connections.connect())
        writers[-1].execute(text("UPDATE customers SET email = NULL"))
        engine.drop(url)
    for writer in writers:
        writer.invalidate()  # the server has ended it, or its file is gone
    assert shapes == [shapes[0]] * 7


SERVER = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
WORKER = [sys.executable, "-m", "flask", "worker", "--once"]


# Each start takes seconds: both refusals and both who refuse are seen each time, all pairs of them by force.
@pytest.mark.parametrize(
    ("command", "newer"),
    [
        pytest.param(SERVER, True, id="server-newer"),
        pytest.param(WORKER, False, id="worker-none"),
        pytest.param(SERVER, False, id="server-none", marks=pytest.mark.force),
        pytest.param(WORKER, True, id="worker-newer", marks=pytest.mark.force),
    ],
)
def test_server_refuses_a_schema_that_is_not_its_own__F186_F189(
    engine: Engine, command: list[str], newer: bool
) -> None:
    """No tables yet, or a revision that this version has never heard of: neither server nor worker starts."""
    url = engine.empty()
    env = {"PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1", "PORT": str(free_port()), **environ_for(url)}
    env["WEB_CONCURRENCY"] = "1"
    if newer:
        with rules_only(url):
            upgrade(DIRECTORY)
            with db.engine.begin() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    assert "flask db upgrade" in ended.stderr
    assert 'wsgi.py", line' not in ended.stderr
    assert "/billing/" not in ended.stderr
    engine.drop(url)
