"""`flask stripe …`: the catalog to Stripe, what webhooks missed into the books, one event again.

Exit codes: 0 fine, 1 something was found that people should look at, 2 it could not be done.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NoReturn

import click
from flask.cli import AppGroup

from billing import catalog_sync
from billing import reconcile as reconciling
from billing.errors import NotFound, SaldoError
from webhooks import inbox

FOUND = 1
COULD_NOT = 2

cli = AppGroup("stripe", help="Keep Stripe and the books in step.")

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class _Moment(click.ParamType):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """A day or an RFC 3339 time; without a zone it is UTC."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-11-24 or 2026-11-24T12:00:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@cli.command("sync-catalog")
@click.option("--dry-run", is_flag=True, help="Only say what would be done (exit 1 if anything).")
@_as_json
def sync_catalog(dry_run: bool, as_json: bool) -> None:
    """Put the catalog's products and prices at Stripe; report what was edited there by hand."""
    try:
        report = catalog_sync.sync_catalog(dry_run)
    except SaldoError as error:
        _give_up(error, as_json)
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, **asdict(report)}))
    else:
        for word in ("created", "replaced", "archived", "recovered"):
            for name in getattr(report, word):
                click.echo(f"{word:<10} {name}")
        for sentence in report.drift:
            click.echo(f"drift      {sentence}")
        click.echo(f"{len(report.unchanged)} unchanged{', nothing was written' if dry_run else ''}")
    sys.exit(FOUND if report.drift or (dry_run and report.has_changes) else 0)


@cli.command("reconcile")
@click.option("--since", type=_Moment(), help="Look back to this time (default: 35 days ago).")
@click.option("--dry-run", is_flag=True, help="Only say what is missing (exit 1 if anything).")
@_as_json
def reconcile(since: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Find at Stripe what webhooks missed and book it; run failed and parked events again."""
    try:
        retried = {} if dry_run else inbox.retry_unfinished()
        report = reconciling.reconcile(since, dry_run)
    except SaldoError as error:
        _give_up(error, as_json)
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, **asdict(report), "events": retried}))
    else:
        for word in ("booked", "parked", "failed"):
            for finding in getattr(report, word):
                label = "missing" if dry_run and word == "booked" else word
                click.echo(f"{label:<8} {finding.kind} {finding.stripe_id}: {finding.word}")
        for event_id, status in retried.items():
            click.echo(f"{status:<8} event {event_id}")
        click.echo(f"looked at {report.looked_at}, {'missing' if dry_run else 'booked'} {len(report.booked)}")
    unsolved = report.parked or report.failed or {"failed", "parked"} & set(retried.values())
    sys.exit(FOUND if unsolved or (dry_run and report.booked) else 0)


@cli.command("replay")
@click.argument("event_id", metavar="EVENT")
@_as_json
def replay(event_id: str, as_json: bool) -> None:
    """Run an event again; what it stands for is booked once, however often it runs."""
    try:
        status = inbox.replay(event_id)
    except NotFound:
        _give_up(f"there is no event {event_id}, here or at Stripe", as_json)
    except Exception as error:
        _give_up(error, as_json)
    click.echo(json.dumps({"event": event_id, "status": status}) if as_json else f"{event_id}: {status}")
    sys.exit(FOUND if status == "parked" else 0)


def _give_up(why: object, as_json: bool) -> NoReturn:
    # A domain error's text is made for people; any other could repeat personal data.
    text = str(why) if isinstance(why, SaldoError | str) else type(why).__name__
    click.echo(json.dumps({"error": text}) if as_json else f"could not: {text}", err=not as_json)
    sys.exit(COULD_NOT)
