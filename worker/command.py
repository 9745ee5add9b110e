"""`flask worker`."""

from __future__ import annotations

import signal

import click
from flask import current_app
from flask.cli import with_appcontext

from billing import money, schema
from billing.errors import WrongSchema
from worker.loop import Worker

FINDING = 1
COULD_NOT = 2


@click.command("worker")
@click.option("--once", is_flag=True, help="One round of all that is due, then end (exit 1 if something failed).")
@click.option("--json", "as_json", is_flag=True, help="With --once: write JSON, for programs.")
@with_appcontext
def work(once: bool, as_json: bool) -> None:
    """Do due work: expiries, monthly grants, holds, refunds under way, events that failed, reconcile.

    Several workers side by side are safe. SIGTERM ends one after the item in work.
    """
    try:
        schema.require_current()
    except WrongSchema as error:
        if as_json:
            click.echo(money.dumps({"error": str(error)}))
        else:
            click.echo(f"could not: {error}", err=True)
        raise SystemExit(COULD_NOT) from error
    worker = Worker(current_app._get_current_object())  # type: ignore[attr-defined]
    if not once:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: worker.stop())
        worker.run()
        return
    result = worker.run_once()
    if as_json:
        click.echo(money.dumps({"done": result.done, "failed": result.failed}))
    else:
        for name, count in result.done.items():
            click.echo(f"{name}: {count}")
        for name, items in result.failed.items():
            click.echo(f"{name} FAILED: {', '.join(map(str, items)) or 'could not look'}")
    if result.failed:
        raise SystemExit(FINDING)
