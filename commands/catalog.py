"""`flask catalog`: look the catalog over before the server does."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from billing.catalog import check_catalog
from commands.output import COULD_NOT, FINDING, as_json, explains, write_json
from config import ROOT

group = AppGroup("catalog", help="Look the catalog over.")


@group.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@as_json
@explains
def check(file: Path | None, as_json: bool) -> None:
    """Say what is wrong (exit 2) or odd (exit 1) with the catalog, or with FILE before it becomes that."""
    path: Path = ROOT / (file or current_app.config["SETTINGS"].catalog)
    findings = check_catalog(path)
    if as_json:
        fields = ("level", "file", "line", "key", "message")
        write_json({"findings": [{name: getattr(each, name) for name in fields} for each in findings]})
    else:
        for each in findings:
            click.echo(f"{each.level}: {each}")
        if not findings:
            click.echo(f"{path.name} is fine.")
    if any(each.level == "wrong" for each in findings):
        raise SystemExit(COULD_NOT)
    if findings:
        raise SystemExit(FINDING)
