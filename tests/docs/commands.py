"""The `flask …` commands there are, and those that a text names."""

from __future__ import annotations

import re

import click
from flask import Flask

OURS = ("commands", "worker")


def all_commands(app: Flask) -> dict[str, click.Command]:
    """Every command by its words, those of libraries included."""
    return dict(_walk(app.cli, ""))


def own_commands(app: Flask) -> dict[str, click.Command]:
    """Saldo's own commands by their words."""
    return {words: command for words, command in all_commands(app).items() if _room(command) in OURS}


def options(command: click.Command) -> set[str]:
    """The options of a command, `--help` apart."""
    return {name for each in command.params if isinstance(each, click.Option) for name in each.opts}


def named_commands(text: str) -> list[str]:
    """What follows `flask` wherever a text shows a command: its words, up to an option or a value."""
    found = re.findall(r"\bflask ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)", text)
    return sorted(set(found))


def _walk(group: click.Group, before: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        words = f"{before}{name}"
        found += _walk(command, f"{words} ") if isinstance(command, click.Group) else [(words, command)]
    return found


def _room(command: click.Command) -> str:
    function = command.callback
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return getattr(function, "__module__", "").split(".")[0]
