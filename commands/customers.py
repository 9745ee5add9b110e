"""`flask customers`: bringing customers along, and erasing one; and finding the one that a command is about."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from billing import customers, erasure
from billing.errors import NotFound
from billing.models import Customer
from commands.output import FINDING, as_json, explains, write_json

group = AppGroup("customers", help="Bring customers along, erase one.")


def customer_named(public_id: str) -> Customer:
    """The customer of that id; raises `NotFound`, naming it."""
    try:
        return customers.find_customer(public_id)
    except NotFound:
        raise NotFound(f"there is no customer {public_id}") from None


@group.command("erase")
@click.argument("customer")
@as_json
@explains
def erase(customer: str, as_json: bool) -> None:
    """Erase CUSTOMER's personal data, here and at Stripe; the books stay. Exit 1: Stripe is still to answer."""
    found = customer_named(customer)
    done = erasure.erase_customer(found.account_id, "operator")
    named = customers.get(found.account_id).public_id
    if as_json:
        write_json({"customer": named, "erased": True, "erased_at_stripe": done})
    else:
        click.echo(f"{named}: personal data is erased, the books stay.")
        if not done:
            click.echo("Stripe did not answer; the worker asks again.")
    sys.exit(0 if done else FINDING)
