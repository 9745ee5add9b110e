"""`flask ledger`: prove that the books are right. It only reads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from flask.cli import AppGroup

from billing.errors import SaldoError
from commands.customers import customer_named
from commands.output import FINDING, as_json, could_not, explains, write_json

group = AppGroup("ledger", help="Prove that the books are right.")


@group.command("audit")
@click.option("--customer", help="Only this customer's books.")
@click.option("--self-test", is_flag=True, help="Plant corruptions in a copy and see that each is found.")
@as_json
@explains
def audit(customer: str | None, self_test: bool, as_json: bool) -> None:
    """Check every invariant: exit 0 clean, 1 violations, 2 could not finish."""
    try:
        clean = _self_test(as_json) if self_test else _audit(customer, as_json)
    except SaldoError:
        raise
    except Exception as error:
        # Never 0 on a crash, and never 1 either: nobody knows whether the books are right.
        could_not(f"the audit could not finish: {type(error).__name__}: {error}", as_json)
    if not clean:
        raise SystemExit(FINDING)


def _audit(customer: str | None, as_json: bool) -> bool:
    from billing.ledger import invariants

    violations = invariants.audit(customer_named(customer).account_id if customer else None)
    if as_json:
        write_json({"violations": [_write(violation) for violation in violations]})
    else:
        for violation in violations:
            click.echo(str(violation))
        click.echo(f"{len(violations)} violations." if violations else "The books are right.")
    return not violations


def _self_test(as_json: bool) -> bool:
    from billing.ledger import self_test

    report = self_test.run()
    if as_json:
        write_json({"found": [str(each) for each in report.found], "missed": [str(each) for each in report.missed]})
    else:
        for name, planted in (("found", report.found), ("MISSED", report.missed)):
            for each in planted:
                click.echo(f"{name}: {each}")
        click.echo(f"{len(report.found)} planted corruptions found, {len(report.missed)} missed.")
    return not report.missed


def _write(violation: Any) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | None) else str(value) for name, value in asdict(violation).items()
    }
