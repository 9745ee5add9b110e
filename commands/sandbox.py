"""`flask sandbox …`: moves the clock of the local Stripe that `run.py` starts, and Saldo's with it.

It speaks HTTP to whatever `STRIPE_API_BASE` names; nothing of Saldo knows the sandbox from the inside.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import AppGroup

from commands.output import as_json, could_not, time, write_json
from config import Settings

WAIT_SECONDS = 600
"""Months of renewals with all their webhooks take a while."""
ONLY_UNDER_RUN = "There is no sandbox here: this works only under run.py."

group = AppGroup("sandbox", help="Play with the local Stripe of the demo.")


class _NoSandbox(Exception):
    """Stripe's address is not a sandbox on this machine."""


@group.command("advance")
@click.argument("days", type=click.IntRange(1, 3660))
@as_json
def advance(days: int, as_json: bool) -> None:
    """Move time on by DAYS: renewals, dunning and endings happen on the way, in order."""
    try:
        answer = _post(current_app.config["SETTINGS"], "clock", {"advance_days": days})
        now = datetime.fromtimestamp(int(answer["now"]), UTC)
    except (_NoSandbox, KeyError, TypeError, ValueError):
        could_not(ONLY_UNDER_RUN, as_json)
    if as_json:
        write_json({"now": time(now)})
    else:
        click.echo(f"It is now {now:%Y-%m-%d %H:%M} UTC.")


def _post(settings: Settings, path: str, body: dict[str, Any]) -> Any:
    """The answer of a control call; raises `_NoSandbox` for whatever is not a sandbox on this machine."""
    base = settings.stripe_api_base
    if base is None or urlsplit(base).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise _NoSandbox
    request = urllib.request.Request(  # noqa: S310 the settings allow http and https only
        f"{base}/_sandbox/{path}",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {settings.stripe_secret_key.get_secret_value()}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:  # noqa: S310 as above
            return json.load(answer)
    except (urllib.error.URLError, OSError) as error:
        raise _NoSandbox from error
