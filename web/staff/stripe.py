"""`/staff/stripe`: how well we hear Stripe, and whether its lists and our books say the same."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from billing import audit, audit_log, catalog_sync, reconcile, staff_accounts, stripe_health
from billing.catalog_sync import SyncReport
from billing.errors import StripeRefused, StripeUnavailable
from billing.reconcile import ReconcileReport
from web.staff.blueprint import bp
from web.staff.session import signed_in


@bp.get("/stripe")
def show_stripe() -> ResponseReturnValue:
    """What our own tables know; nothing is asked of Stripe."""
    return _page()


@bp.post("/stripe/compare")
def compare_with_stripe() -> ResponseReturnValue:
    """Ask Stripe for its lists and its catalog, and show what differs; nothing is booked."""
    return _ask_stripe(dry_run=True)


@bp.post("/stripe/reconcile")
def book_what_is_missing() -> ResponseReturnValue:
    """Book what webhooks missed, each thing once; pressed twice, the second finds nothing."""
    return _ask_stripe(dry_run=False)


def _ask_stripe(*, dry_run: bool) -> ResponseReturnValue:
    staff = signed_in()
    staff_accounts.require(staff, "reconcile")
    audit_log.record("reconcile", actor=staff.actor, detail={"dry_run": dry_run})
    try:
        report = reconcile.reconcile(dry_run=dry_run)
        drift = catalog_sync.sync_catalog(dry_run=True)
    except (StripeUnavailable, StripeRefused):
        return _page(
            problem=gettext("Stripe does not answer at the moment. What was booked before that is whole.")
        ), 503
    return _page(report=report, drift=drift, dry_run=dry_run)


def _page(
    report: ReconcileReport | None = None,
    drift: SyncReport | None = None,
    *,
    dry_run: bool = True,
    problem: str | None = None,
) -> str:
    return render_template(
        "staff/stripe.html",
        health=stripe_health.read_health(),
        waiting=list(audit.list_waiting()),
        report=report,
        drift=drift,
        dry_run=dry_run,
        problem=problem,
    )
