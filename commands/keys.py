"""`flask keys`: API keys of apps. A key is shown once, when it is made."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from billing import api_keys, clock
from billing.api_keys import ApiKeyView, IssuedKey
from commands.output import as_json, explains, time, write_json

group = AppGroup("keys", help="API keys of apps.")


@group.command("create")
@click.argument("app")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(api_keys.SCOPES), help="May be repeated."
)
@as_json
@explains
def create(app: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a key for APP; it stands alone on the last line and can't be shown again."""
    _show_issued(api_keys.create_key(app, scopes), as_json)


@group.command("rotate")
@click.argument("app")
@as_json
@explains
def rotate(app: str, as_json: bool) -> None:
    """Make a new key with the scopes of APP's keys; those still work for a day."""
    _show_issued(api_keys.rotate_key(app), as_json)


@group.command("list")
@as_json
@explains
def list_keys(as_json: bool) -> None:
    """List every key, without its secret."""
    keys = api_keys.list_keys()
    if as_json:
        write_json({"data": [_write_key(key) for key in keys]})
        return
    for key in keys:
        used = f"last used {time(key.last_used_at)}" if key.last_used_at else "never used"
        click.echo(f"{key.id}  {key.app:<20} {','.join(key.scopes)}  {_state(key)}, {used}")


@group.command("revoke")
@click.argument("key_id", metavar="ID")
@as_json
@explains
def revoke(key_id: str, as_json: bool) -> None:
    """End a key at once."""
    key = api_keys.revoke_key(key_id)
    if as_json:
        write_json(_write_key(key))
    else:
        click.echo(f"{key.id} of {key.app} no longer works.")


def _state(key: ApiKeyView) -> str:
    if key.revoked_at is None:
        return "works"
    return f"{'works until' if key.works_at(clock.wall_now()) else 'ended'} {time(key.revoked_at)}"


def _show_issued(issued: IssuedKey, as_json: bool) -> None:
    if as_json:
        write_json({**_write_key(issued.key), "key": issued.secret})
        return
    click.echo(f"{issued.key.id} for {issued.key.app}: {', '.join(issued.key.scopes)}")
    click.echo("Keep it now, it cannot be shown again:")
    click.echo(issued.secret)


def _write_key(key: ApiKeyView) -> dict[str, Any]:
    return {
        "id": key.id,
        "app": key.app,
        "scopes": list(key.scopes),
        "created_at": time(key.created_at),
        "last_used_at": time(key.last_used_at),
        "revoked_at": time(key.revoked_at),
    }
