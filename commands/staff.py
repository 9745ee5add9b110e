"""`flask staff`: who may sign in at `/staff`."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from billing import second_factor, staff_accounts
from commands.output import as_json, explains, write_json

group = AppGroup("staff", help="Who may sign in at /staff.")


@group.command("add")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(staff_accounts.ROLES))
@click.option("--name", help="How the pages call them.")
@as_json
@explains
def add(email: str, role: str, name: str | None, as_json: bool) -> None:
    """Let EMAIL in, or change their role, and print a link that sets a password: once, within a day."""
    staff = staff_accounts.add_staff(email, role, name)
    token = staff_accounts.make_setup_token(staff.id, current_app.config["SECRET_KEY"])
    link = f"{current_app.config['SETTINGS'].public_url}/staff/setup/{token}"
    if as_json:
        write_json({"id": staff.id, "email": staff.email, "role": staff.role, "setup_url": link})
        return
    click.echo(f"{staff.email} is {staff.role}. This link sets their password, once, within a day:")
    click.echo(link)


@group.command("forget-factor")
@click.argument("email")
@as_json
@explains
def forget_factor(email: str, as_json: bool) -> None:
    """Ask EMAIL for no second factor any more, and end their sessions: for a lost phone."""
    staff_id = second_factor.forget(email)
    if as_json:
        write_json({"id": staff_id, "email": email, "second_factor": False})
    else:
        click.echo(f"{email} signs in by password alone until a new second factor is set up.")


@group.command("disable")
@click.argument("email")
@as_json
@explains
def disable(email: str, as_json: bool) -> None:
    """Shut EMAIL out at once; `staff add` lets them in again."""
    staff = staff_accounts.disable_staff(email)
    if as_json:
        write_json({"id": staff.id, "email": staff.email, "disabled": True})
    else:
        click.echo(f"{staff.email} is shut out.")
