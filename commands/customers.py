"""`flask customers`: bringing customers along, and erasing one; and finding the one that a command is about."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import IO

import click
from flask.cli import AppGroup

from billing import customer_import, customers, erasure, money
from billing.errors import NotFound
from billing.models import Customer
from commands.output import FINDING, as_json, credits, explains, write_json

COUNTS = ("rows", "created", "granted", "subscriptions", "unchanged")

group = AppGroup("customers", help="Bring customers along, erase one.")


def customer_named(public_id: str) -> Customer:
    """The customer of that id; raises `NotFound`, naming it."""
    try:
        return customers.find_customer(public_id)
    except NotFound:
        raise NotFound(f"there is no customer {public_id}") from None


@group.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Only check, and say what would be done.")
@as_json
@explains
def bring(file: IO[bytes], dry_run: bool, as_json: bool) -> None:
    """Bring in the customers of FILE (CSV or JSON) with plans and balances; again, only what is new.

    Exit 1: something in the file is wrong, and nothing was brought in; each line says where and what.
    """
    report = customer_import.import_customers(file.read(), dry_run)
    if as_json:
        write_json(
            {
                "dry_run": dry_run,
                **{name: getattr(report, name) for name in COUNTS},
                "credits": credits(report.credits),
                "problems": [asdict(problem) for problem in report.problems],
            }
        )
    else:
        for problem in report.problems:
            click.echo(str(problem))
        if report.problems:
            click.echo(f"{len(report.problems)} problems; nothing was brought in")
        else:
            click.echo(
                f"{report.rows} rows: {report.created} new customers, {report.granted} balances with"
                f" {money.format_credits_plain(report.credits)} credits, {report.subscriptions} subscriptions,"
                f" {report.unchanged} unchanged{'; nothing was written' if dry_run else ''}"
            )
    sys.exit(FINDING if report.problems else 0)


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
