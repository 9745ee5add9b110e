"""`/staff/webhooks`: what Stripe told us, what became of it, and running an event again."""

from __future__ import annotations

import json

import structlog
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from billing import audit_log, events, staff_accounts
from billing.errors import SaldoError
from web.staff import words
from web.staff.blueprint import bp
from web.staff.session import signed_in
from webhooks import inbox

PAGE = 50

_log = structlog.get_logger(__name__)


@bp.get("/webhooks")
def list_events() -> ResponseReturnValue:
    """The newest events, of one status or of all; `before` leads on to older ones."""
    status = request.args.get("status")
    status = status if status in words.EVENT_STATES else None
    page = events.list_events(status=status, before=request.args.get("before"), limit=PAGE)
    older = url_for("staff.list_events", status=status, before=page.older) if page.older else None
    return render_template("staff/webhooks.html", events=page.events, older=older, status=status)


@bp.get("/webhooks/<event_id>")
def show_event(event_id: str) -> ResponseReturnValue:
    """One event with its payload as Stripe sent it."""
    event = events.read_event(event_id)
    return render_template("staff/webhook.html", event=event, payload=_pretty(event.payload))


@bp.post("/webhooks/<event_id>/replay")
def replay_event(event_id: str) -> ResponseReturnValue:
    """Run an event again: what it has done already is not done twice."""
    staff = signed_in()
    event = events.read_event(event_id)
    staff_accounts.require(staff, "replay", account_id=event.account_id, subject=event_id)
    audit_log.record("replay", actor=staff.actor, account_id=event.account_id, subject=event_id)
    try:
        status = inbox.replay(event_id)
    except Exception as error:
        # Whatever the handler stumbles over, the inbox has noted it, and the event can be run again.
        _log.warning("replay_failed", event_id=event_id, error=type(error).__name__)
        reason = str(error) if isinstance(error, SaldoError) else type(error).__name__
        flash(gettext("It failed again: %(reason)s", reason=reason), "danger")
    else:
        state = words.EVENT_STATES.get(status)
        flash(gettext("Run again: %(state)s", state=state[0] if state else status), "success")
    return redirect(url_for("staff.show_event", event_id=event_id), 303)


def _pretty(payload: str) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return payload
