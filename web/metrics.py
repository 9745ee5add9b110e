"""What waits and what is broken, as gauges for Prometheus; the counters are `metrics`' own."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

import metrics
from billing import backlog, clock, stripe_gateway

_log = structlog.get_logger(__name__)


def gauges() -> str:
    """The gauges in Prometheus's text format; without a database, those that need none."""
    lines = _gauge(
        "saldo_stripe_key_refused", "1 when Stripe no longer takes our key.", int(stripe_gateway.current().auth_failed)
    )
    try:
        waiting = backlog.read_backlog()
    except SQLAlchemyError as error:
        _log.error("database_unavailable", error=type(error).__name__)
        return "\n".join(lines + _gauge("saldo_database_up", "1 when the database answers.", 0)) + "\n"
    lines += _gauge("saldo_database_up", "1 when the database answers.", 1)
    lines += ["# HELP saldo_events Webhook events not booked yet, by state.", "# TYPE saldo_events gauge"]
    lines += [metrics.sample("saldo_events", number, state=state) for state, number in waiting.events.items()]
    age = (clock.wall_now() - waiting.oldest_event_at).total_seconds() if waiting.oldest_event_at else 0
    lines += _gauge("saldo_oldest_event_seconds", "Age of the oldest event that is tried again.", max(0, round(age)))
    lines += ["# HELP saldo_refunds Refunds that are neither done nor over, by state.", "# TYPE saldo_refunds gauge"]
    lines += [metrics.sample("saldo_refunds", number, state=state) for state, number in waiting.refunds.items()]
    lines += _gauge("saldo_mails", "Mails that have not been sent yet.", waiting.mails)
    return "\n".join(lines) + "\n"


def _gauge(name: str, words: str, value: float) -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} gauge", metrics.sample(name, value)]
