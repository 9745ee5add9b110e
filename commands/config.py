"""`flask config`: what this installation is set to."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from commands.output import as_json, explains, write_json
from config import Settings, secret_fields

group = AppGroup("config", help="What this installation is set to.")


@group.command("check")
@as_json
@explains
def check(as_json: bool) -> None:
    """Show every setting; secrets only as set or not.

    With a setting missing or wrong no command starts: it ends with exit code 2 and the variable's name.
    """
    settings: Settings = current_app.config["SETTINGS"]
    hidden = secret_fields()
    shown = {name.upper(): "set" if name in hidden else str(value) for name, value in settings if value is not None}
    if as_json:
        write_json({"mode": _mode(settings), "settings": shown})
        return
    for name, value in shown.items():
        click.echo(f"{name}={value}")
    click.echo(f"All settings are fine; {_mode(settings)} mode.")


def _mode(settings: Settings) -> str:
    return "live" if settings.livemode else "test"
