"""`flask seed`: a demo to begin with: a customer, an admin of the staff, and an API key."""

from __future__ import annotations

import hashlib
import hmac

import click
from flask import current_app
from flask.cli import with_appcontext

from billing import api_keys, customers, staff_accounts
from billing.errors import EmailTaken
from commands.output import as_json, could_not, explains, write_json

CUSTOMER = "customer@example.com"
STAFF = "staff@example.com"
APP = "demo"


@click.command("seed")
@with_appcontext
@as_json
@explains
def seed(as_json: bool) -> None:
    """Make a demo customer, an admin of the staff and an API key. Again, it makes only what is missing."""
    settings = current_app.config["SETTINGS"]
    if settings.livemode:
        could_not("a demo has no place beside a live Stripe key", as_json)
    secret_key = settings.secret_key.get_secret_value()
    seeded = {
        "customer": {"email": CUSTOMER, "password": _seed_customer(_password(secret_key, CUSTOMER))},
        "staff": {"email": STAFF, "password": _seed_staff(secret_key, _password(secret_key, STAFF))},
        "api_key": _seed_api_key(),
    }
    if as_json:
        write_json(seeded)
        return
    click.echo(f"customer  {CUSTOMER}  {seeded['customer']['password']}")
    click.echo(f"staff     {STAFF}  {seeded['staff']['password']}")
    click.echo(f"API key   {seeded['api_key'] or 'made before, shown once'}")


def _password(secret_key: str, email: str) -> str:
    """The demo's password for an address: the same whenever it is asked for, and known to this server only."""
    return "demo-" + hmac.new(secret_key.encode(), email.encode(), hashlib.sha256).hexdigest()[:12]


def _seed_customer(password: str) -> str | None:
    """The password, or None when somebody has changed it since."""
    try:
        customers.register(CUSTOMER, password, name="Demo Customer")
    except EmailTaken:
        return password if customers.authenticate(CUSTOMER, password) else None
    return password


def _seed_staff(secret_key: str, password: str) -> str | None:
    """The password, or None when somebody has changed it since."""
    staff = staff_accounts.find(STAFF) or staff_accounts.add_staff(STAFF, "admin", "Demo Staff")
    if not staff.has_password:
        token = staff_accounts.make_setup_token(staff.id, secret_key)
        staff_accounts.set_password(token, secret_key, password)
    return password if staff_accounts.authenticate(STAFF, password) else None


def _seed_api_key() -> str | None:
    """The secret of a new key for the demo app, or None when it has one that works."""
    if any(key.app == APP and key.revoked_at is None for key in api_keys.list_keys()):
        return None
    return api_keys.create_key(APP, api_keys.SCOPES).secret
