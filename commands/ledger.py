"""`flask ledger`: prove that the books are right. It only reads."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from itertools import chain
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from billing import audit as audits
from billing import self_test, stripe_audit
from billing.errors import SaldoError
from commands.output import FINDING, Moment, as_json, could_not, explains, write_json

group = AppGroup("ledger", help="Prove that the books are right.")


@group.command("audit")
@click.option("--customer", help="Only this customer's books.")
@click.option("--since", type=Moment(), help="Replay only books that have moved since this time, when all was right.")
@click.option("--self-test", "prove", is_flag=True, help="Plant corruptions in a copy and see that each is found.")
@click.option("--stripe", is_flag=True, help="Compare with Stripe's own lists too; of all customers only.")
@as_json
@explains
def audit(customer: str | None, since: datetime | None, prove: bool, stripe: bool, as_json: bool) -> None:
    """Check every invariant: exit 0 clean, 1 violations, 2 could not finish."""
    if stripe and (customer is not None or prove):
        raise click.UsageError("--stripe compares everything; leave --customer and --self-test out")
    if since is not None and (customer is not None or prove):
        raise click.UsageError("--since is for everybody's books; leave --customer and --self-test out")
    try:
        clean = _self_test(as_json) if prove else _audit(customer, since, stripe, as_json)
    except (SaldoError, DBAPIError):
        raise  # they have a sentence of their own
    except Exception as error:
        # Never 0 on a crash, and never 1 either: nobody knows whether the books are right.
        could_not(f"the audit could not finish: {type(error).__name__}: {error}", as_json)
    if not clean:
        raise SystemExit(FINDING)


def _audit(customer: str | None, since: datetime | None, stripe: bool, as_json: bool) -> bool:
    online = stripe_audit.audit_at_stripe() if stripe else ()
    violations = (_told(each, as_json) for each in chain(audits.audit(customer, since), online))
    found = list(violations) if as_json else sum(1 for _ in violations)
    waiting = [each.warning for each in audits.list_waiting()] if customer is None else []
    if as_json:
        write_json({"violations": found, "warnings": [asdict(each) for each in waiting]})
    else:
        for each in waiting:
            click.echo(f"warning: {each.line}")
        click.echo(f"{found} violations." if found else "The books are right.")
    return not found


def _told(violation: audits.Violation, as_json: bool) -> dict[str, Any]:
    """Print it at once, so that a long audit shows what it has found so far; JSON is written at the end."""
    if not as_json:
        click.echo(violation.line)
    return asdict(violation)


def _self_test(as_json: bool) -> bool:
    report = self_test.run()
    if as_json:
        write_json({"found": report.found, "missed": report.missed})
    else:
        for name, planted in (("found", report.found), ("MISSED", report.missed)):
            for each in planted:
                click.echo(f"{name}: {each}")
        click.echo(f"{len(report.found)} planted corruptions found, {len(report.missed)} missed.")
    return not report.missed
