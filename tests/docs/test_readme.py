"""The README names commands, files and calls that exist, and gets to the point."""

from __future__ import annotations

import re
import sys

import click
import pytest
from flask import Flask

from config import ROOT
from tests.docs.commands import named_commands, own_commands
from tests.docs.markdown import blocks, code, prose, read, section

TEXT = read("README.md")


def test_first_command_comes_on_the_first_screen() -> None:
    assert TEXT.splitlines().index(blocks(TEXT)[0].splitlines()[0]) < 20


def test_run_takes_the_commands_shown(capsys: pytest.CaptureFixture[str]) -> None:
    usage = (ROOT / "run.py").read_text(encoding="utf-8").split('"""')[1]
    for line in blocks(TEXT)[0].splitlines():
        assert re.search(rf"^    {re.escape(line.split('#')[0].strip())}\b", usage, re.MULTILINE), line


def test_flask_commands_exist(app: Flask) -> None:
    named = named_commands(prose(TEXT))
    assert len(named) >= 6
    context = click.Context(app.cli)
    for words in named:
        command: click.Command = app.cli
        for word in words.split():
            found = command.get_command(context, word) if isinstance(command, click.Group) else None
            if found is None:
                break
            command = found
        assert command is not app.cli, words
        assert not isinstance(command, click.Group), words


def test_modules_to_run_exist() -> None:
    modules = re.findall(r"python -m ([\w.]+)", TEXT)
    assert modules
    for module in modules:
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module


def test_addresses_exist(app: Flask) -> None:
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    for address in [word for word in code(TEXT) if word.startswith("/")]:
        assert any(path == address or path.startswith(f"{address}/") for path in paths), address


def test_api_has_what_it_is_said_to_have(app: Flask) -> None:
    """What the README lists of the API is there, and what it misses is not, or the README is to be changed."""
    rooms = {rule.rule.split("/")[3] for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/")}
    there = {word for word in code(section(TEXT, "What is inside")) if re.fullmatch(r"[a-z-]+", word)}
    missing = {word for word in code(section(TEXT, "What is not there yet")) if re.fullmatch(r"[a-z-]+", word)}
    assert {"plans", "packs", "actions", "influencers", "customers", "credits"} <= there
    assert there <= rooms
    assert not missing & rooms


def test_python_is_the_one_that_is_needed() -> None:
    needed = re.search(r'requires-python = ">=(3\.\d+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert needed
    assert f"Python {needed[1]} or newer" in TEXT
    assert sys.version_info >= tuple(map(int, needed[1].split(".")))


def test_commands_named_are_ours(app: Flask) -> None:
    """At least those that a newcomer needs are shown."""
    ours = set(own_commands(app))
    assert {"ledger audit", "stripe reconcile", "stripe sync-catalog", "catalog check", "worker"} <= ours
