"""A job in a customer's words: what it was, what became of it, and whether it has cost anything."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from billing import catalog
from billing.errors import UnitOutOfRange, UnknownAction
from billing.pricing import price_work
from billing.usage import JobRecord, Trace, UsageRow
from web import costs, words
from web.formats import in_credits
from web.subscriptions import State

RUNNING = State(lazy_gettext("Running; its credits are on hold"), "wait")
DONE = State(lazy_gettext("Done"), "good")
FREE = State(lazy_gettext("Done; you were not charged"), "good")
GIVEN_BACK = State(lazy_gettext("Done; given back to you"), "calm")
FAILED = State(lazy_gettext("Failed; you were not charged"), "calm")
PARTLY = State(lazy_gettext("Failed; you paid a part of it"), "bad")
CALLED_OFF = State(lazy_gettext("Called off; you were not charged"), "calm")
RAN_OUT = State(lazy_gettext("Not finished in time; you were not charged"), "calm")

FAILURES = {
    "moderation": lazy_gettext("what was asked for is not allowed"),
    "timeout": lazy_gettext("it took too long"),
    "provider_error": lazy_gettext("the service that should have done it had an error"),
    "user_cancelled": lazy_gettext("it was cancelled"),
}
"""Why a job failed, as a part of a sentence."""


def state_of(job: UsageRow) -> State:
    """What became of it. A charge that was given back altogether reads differently from one that never was."""
    if job.state == "held":
        return RUNNING
    if job.state == "voided":
        return FAILED if job.failure else CALLED_OFF
    if job.state == "expired":
        return RAN_OUT
    if job.state == "failed":
        return PARTLY if job.credits else FAILED
    if job.credits or not job.amount:
        return DONE
    return GIVEN_BACK if job.debit else FREE


def title_of(job: UsageRow) -> str:
    """What it was."""
    name = words.action_name(job.action) if job.action else str(words.DEBITS["amount"])
    return f"{job.quantity} × {name}" if job.quantity > 1 else name


def detail_of(job: UsageRow) -> str:
    """For whom and by what: model, influencer, agent, the app's own reference."""
    influencer = words.influencer_name(job.influencer) if job.influencer else None
    return " · ".join(part for part in (job.model, influencer, job.agent, job.reference) if part)


def outcome_of(record: JobRecord) -> str:
    """What all of it has cost the customer, in one sentence."""
    if record.credits:
        return gettext("You paid %(amount)s.", amount=in_credits(record.credits))
    if any(trace.job.state == "held" for trace in record.traces):
        return gettext("Nothing is charged yet.")
    if any(trace.debit for trace in record.traces):
        return gettext("All of it was given back to you.")
    return gettext("You were not charged.")


def price_of(trace: Trace) -> str | None:
    """How the price came about; None where only the app knows, or the price list has changed since."""
    job, known = trace.job, catalog.current()
    if job.action is None or trace.price_version != known.version:
        return None
    try:
        return costs.explain_price(known, price_work(known, job))
    except (UnknownAction, UnitOutOfRange):
        return None
