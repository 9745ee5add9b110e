"""What every command has in common."""

from __future__ import annotations

import re

import click
import pytest
from flask import Flask
from sqlalchemy import text

from billing.db import db, transaction
from tests.commands.conftest import Run, told

CONTRACT = {
    *("credits add", "credits show", "ledger audit", "stripe sync-catalog", "stripe reconcile", "stripe replay"),
    *("catalog check", "keys create", "keys rotate", "keys list", "keys revoke", "staff add", "worker"),
    *("sandbox advance", "db upgrade", "db check", "config check", "seed"),
}


def commands_of(app: Flask) -> dict[str, click.Command]:
    from flask_migrate.cli import db as migrations

    found: dict[str, click.Command] = {}
    for name, command in {**app.cli.commands, "db": migrations}.items():
        if isinstance(command, click.Group):
            found |= {f"{name} {each}": sub for each, sub in command.commands.items()}
        else:
            found[name] = command
    return found


def test_has_every_command_that_was_promised(app: Flask) -> None:
    assert commands_of(app).keys() >= CONTRACT


def test_explains_every_command(app: Flask) -> None:
    assert [name for name, command in commands_of(app).items() if not command.get_short_help_str()] == []


@pytest.mark.parametrize("name", sorted(CONTRACT - {"db upgrade", "db check"}))
def test_lets_a_program_read_every_command(run: Run, name: str) -> None:
    assert "--json" in run(*name.split(), "--help").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("credits", "show", "nobody"),
        ("credits", "add", "nobody", "5", "--description", "gift"),
        ("keys", "rotate", "nobody"),
        ("keys", "revoke", "key_1"),
        ("staff", "disable", "nobody@example.com"),
        ("staff", "add", "no address", "--role", "admin"),
        ("ledger", "audit", "--customer", "nobody"),
        ("sandbox", "advance", "1"),
    ],
)
def test_ends_with_2_and_a_sentence_when_it_cannot(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(r"could not: .+\n", result.stderr)
    assert told(run(*arguments, "--json"), 2).keys() == {"error"}


def test_worker_says_as_asked_that_the_schema_is_another(run: Run) -> None:
    with transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))
    db.session.rollback()
    assert "flask db upgrade" in told(run("worker", "--once", "--json"), 2)["error"]


def test_says_when_the_database_is_not_there(run: Run) -> None:
    with transaction() as connection:
        connection.execute(text("ALTER TABLE customers RENAME TO gone"))
    db.session.rollback()
    result = run("credits", "show", "ada")
    assert result.exit_code == 2
    assert "schema" in result.stderr
    assert "SELECT" not in result.output
