"""Saldo's and Stripe's terse words in those of whoever helps a customer."""

from __future__ import annotations

from flask import g
from flask_babel import gettext, lazy_gettext

from billing import staff_accounts

PAYMENT_STATES = {
    "paid": (lazy_gettext("Paid"), "good"),
    "refund_pending": (lazy_gettext("Refund under way"), "wait"),
    "partially_refunded": (lazy_gettext("Partly refunded"), "calm"),
    "refunded": (lazy_gettext("Refunded"), "calm"),
    "disputed": (lazy_gettext("Disputed"), "bad"),
    "dispute_lost": (lazy_gettext("Dispute lost"), "bad"),
}
"""A payment's status → its words and the tone of its colour."""

REFUND_STATES = {
    "needs_approval": (lazy_gettext("Waits for a second person"), "wait"),
    "rejected": (lazy_gettext("Turned down"), "calm"),
    "pending": (lazy_gettext("Under way"), "wait"),
    "requires_action": (lazy_gettext("Waits for the customer"), "wait"),
    "succeeded": (lazy_gettext("Done"), "good"),
    "failed": (lazy_gettext("Failed"), "bad"),
    "canceled": (lazy_gettext("Cancelled"), "calm"),
}

DISPUTE_STATES = {
    "warning_needs_response": (lazy_gettext("The bank asks; answer it at Stripe"), "wait"),
    "warning_under_review": (lazy_gettext("The bank looks at the answer"), "wait"),
    "warning_closed": (lazy_gettext("The bank asked no further"), "calm"),
    "needs_response": (lazy_gettext("Answer it at Stripe"), "bad"),
    "under_review": (lazy_gettext("The bank looks at the answer"), "wait"),
    "won": (lazy_gettext("Won"), "good"),
    "lost": (lazy_gettext("Lost"), "bad"),
}

EVENT_STATES = {
    "received": (lazy_gettext("Waiting"), "wait"),
    "done": (lazy_gettext("Done"), "good"),
    "ignored": (lazy_gettext("Ignored"), "calm"),
    "parked": (lazy_gettext("Parked"), "wait"),
    "failed": (lazy_gettext("Failed"), "bad"),
}

EVENT_NOTES = {
    "duplicate": lazy_gettext("Was known already"),
    "granted": lazy_gettext("Credits granted"),
    "linked": lazy_gettext("Linked to its payment"),
    "unhandled type": lazy_gettext("Nothing to do"),
}
"""The notes that most events end with; what is not in here is shown as it was written."""

SUBSCRIPTION_STATES = {
    "active": (lazy_gettext("Active"), "good"),
    "trialing": (lazy_gettext("Trial"), "good"),
    "past_due": (lazy_gettext("Past due"), "bad"),
    "unpaid": (lazy_gettext("Unpaid"), "bad"),
    "incomplete": (lazy_gettext("Not paid yet"), "wait"),
    "incomplete_expired": (lazy_gettext("Never paid"), "calm"),
    "paused": (lazy_gettext("Paused"), "calm"),
    "canceled": (lazy_gettext("Ended"), "calm"),
}

REFUND_REASONS = {
    "requested_by_customer": lazy_gettext("The customer asked for it"),
    "duplicate": lazy_gettext("Paid twice"),
    "fraudulent": lazy_gettext("Fraud"),
    "other": lazy_gettext("Something else"),
}

CREDIT_MODES = {
    "proportional": lazy_gettext("In proportion to the money; what is spent already becomes a debt"),
    "unspent": lazy_gettext("Only what is not spent; no debt"),
    "keep": lazy_gettext("None: the customer keeps the credits"),
}

ACTS = {
    "refund": lazy_gettext("Refund"),
    "approve": lazy_gettext("Approval of a refund"),
    "payment.correct": lazy_gettext("Payment set right by Stripe's word"),
    "refund.approve": lazy_gettext("Refund approved"),
    "refund.correct": lazy_gettext("Refund set right by Stripe's word"),
    "refund.reject": lazy_gettext("Refund turned down"),
    "grant": lazy_gettext("Credits granted"),
    "take": lazy_gettext("Credits taken"),
    "forgive": lazy_gettext("Debt forgiven"),
    "quota_reset": lazy_gettext("Limit set back"),
    "customer.erase": lazy_gettext("Customer erased"),
    "replay": lazy_gettext("Event run again"),
    "read_audit_log": lazy_gettext("Audit log"),
    "read_keys": lazy_gettext("API keys"),
    "create_key": lazy_gettext("API key made"),
    "revoke_key": lazy_gettext("API key revoked"),
    "key.create": lazy_gettext("API key made"),
    "key.rotate": lazy_gettext("API keys exchanged"),
    "key.revoke": lazy_gettext("API key revoked"),
    "set_picture": lazy_gettext("Picture of an influencer"),
    "picture.store": lazy_gettext("Picture stored"),
    "picture.remove": lazy_gettext("Picture removed"),
    "reconcile": lazy_gettext("Compared with Stripe"),
    "staff.add": lazy_gettext("Staff account"),
    "staff.disable": lazy_gettext("Staff account shut"),
    "staff.set_password": lazy_gettext("Password set"),
    "staff.second_factor": lazy_gettext("Second factor set up"),
    "staff.forget_second_factor": lazy_gettext("Second factor forgotten"),
}

SCOPES = {
    "credits:read": lazy_gettext("Read balances, histories and prices"),
    "credits:spend": lazy_gettext("Spend and hold credits"),
    "refunds:write": lazy_gettext("Give money back"),
    "billing:write": lazy_gettext("Customers, checkouts, subscriptions, credits by hand"),
}
"""What an API key may do, by scope."""

ROLES = {
    "support": lazy_gettext("Support"),
    "manager": lazy_gettext("Manager"),
    "admin": lazy_gettext("Admin"),
}


ACTORS = {
    "operator": lazy_gettext("Operator"),
    "stripe": "Stripe",
    "system": "Saldo",
}
"""Who acts without an account here; apps and colleagues have names of their own."""


def actor_name(actor: str | None) -> str | None:
    """Who an entry, refund or record names; of a colleague the address, in place of their id."""
    kind, _, name = (actor or "").partition(":")
    if kind == "app":
        return gettext("App %(name)s", name=name)
    if kind != "staff":
        return str(ACTORS.get(kind, actor)) if actor else None
    if "staff_emails" not in g:
        g.staff_emails = {each.id: each.email for each in staff_accounts.list_staff()}
    email: str = g.staff_emails.get(name, actor)
    return email
