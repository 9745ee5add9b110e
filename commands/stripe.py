"""`flask stripe …`: the catalog to Stripe, what webhooks missed into the books, one event again.

Exit codes: 0 fine, 1 something was found that people should look at, 2 it could not be done.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime

import click
from flask.cli import AppGroup

from billing import catalog_sync
from billing import reconcile as reconciling
from billing.errors import NotFound
from billing.reconcile import Finding
from commands.output import FINDING, Moment, as_json, could_not, explains, write_json
from webhooks import inbox

group = AppGroup("stripe", help="Keep Stripe and the books in step.")


@group.command("sync-catalog")
@click.option("--dry-run", is_flag=True, help="Only say what would be done (exit 1 if anything).")
@as_json
@explains
def sync_catalog(dry_run: bool, as_json: bool) -> None:
    """Put the catalog's products and prices at Stripe; report what was edited there by hand."""
    report = catalog_sync.sync_catalog(dry_run)
    if as_json:
        write_json({"dry_run": dry_run, **asdict(report)})
    else:
        for word in ("created", "replaced", "archived", "recovered"):
            for name in getattr(report, word):
                click.echo(f"{word:<10} {name}")
        for sentence in report.drift:
            click.echo(f"drift      {sentence}")
        click.echo(f"{len(report.unchanged)} unchanged{', nothing was written' if dry_run else ''}")
    sys.exit(FINDING if report.drift or (dry_run and report.has_changes) else 0)


@group.command("reconcile")
@click.option("--since", type=Moment(), help="Look back to this time (default: 35 days ago).")
@click.option("--dry-run", is_flag=True, help="Only say what is missing or differs (exit 1 if anything).")
@as_json
@explains
def reconcile(since: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Book what webhooks missed, set right what differs from Stripe; run failed and parked events again."""
    retried = {} if dry_run else inbox.retry_unfinished()
    report = reconciling.reconcile(since, dry_run)
    if as_json:
        lists = {name: [_told(each) for each in getattr(report, name)] for name in LABELS}
        write_json({"dry_run": dry_run, "looked_at": report.looked_at, **lists, "events": retried})
    else:
        for name, (done, found) in LABELS.items():
            for finding in getattr(report, name):
                click.echo(f"{found if dry_run else done:<9} {finding.kind} {finding.stripe_id}: {finding.word}")
        for event_id, status in retried.items():
            click.echo(f"{status:<9} event {event_id}")
        sums = ", ".join(
            f"{found if dry_run else done} {len(getattr(report, name))}" for name, (done, found) in LABELS.items()
        )
        click.echo(f"looked at {report.looked_at}: {sums}")
    unsolved = report.is_unsolved or {"failed", "parked"} & set(retried.values())
    sys.exit(FINDING if unsolved or (dry_run and not report.is_clean) else 0)


LABELS = {
    "booked": ("booked", "missing"),
    "repaired": ("repaired", "differs"),
    "only_here": ("only here", "only here"),
    "parked": ("parked", "parked"),
    "failed": ("failed", "failed"),
}
"""A report's lists, each with its word for what was done and, on a dry run, for what was found."""


def _told(finding: Finding) -> dict[str, str | None]:
    told = {"kind": finding.kind, "stripe_id": finding.stripe_id, "word": finding.word}
    return told if finding.customer is None else {**told, "customer": finding.customer}


@group.command("replay")
@click.argument("event_id", metavar="EVENT")
@as_json
@explains
def replay(event_id: str, as_json: bool) -> None:
    """Run an event again; what it stands for is booked once, however often it runs."""
    try:
        status = inbox.replay(event_id)
    except NotFound:
        could_not(f"there is no event {event_id}, here or at Stripe", as_json)
    if as_json:
        write_json({"event": event_id, "status": status})
    else:
        click.echo(f"{event_id}: {status}")
    sys.exit(FINDING if status == "parked" else 0)
