"""The ledger's and Stripe's terse words in those of a customer, in their language."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from billing import catalog, influencers
from billing.ledger.balances import GrantView
from billing.ledger.history import EntryView
from web.locale import page_locale

KINDS = {
    "PURCHASE": lazy_gettext("Bought"),
    "CREDIT": lazy_gettext("Received"),
    "DEBIT": lazy_gettext("Used or expired"),
    "REFUND": lazy_gettext("Given back or taken back"),
}

GRANT_SOURCES = {
    "pack": lazy_gettext("Credit pack"),
    "topup": lazy_gettext("Automatic top-up"),
    "signup": lazy_gettext("Welcome credits"),
    "cycle": lazy_gettext("Credits of your subscription"),
    "upgrade": lazy_gettext("Extra credits for your upgrade"),
    "refill": lazy_gettext("Monthly refill"),
    "trial": lazy_gettext("Trial credits"),
    "promo": lazy_gettext("Promotion"),
    "referral": lazy_gettext("Thank you for a recommendation"),
    "staff": lazy_gettext("Given by our team"),
    "import": lazy_gettext("Brought along from before"),
    "debt_forgiven": lazy_gettext("Debt forgiven"),
    "moved": lazy_gettext("Moved from other credits"),
}

DEBITS = {
    "action": lazy_gettext("Used"),
    "amount": lazy_gettext("Used"),
    "expired": lazy_gettext("Expired"),
    "staff": lazy_gettext("Taken by our team"),
}

REFUNDS = {
    "debit_refunded": lazy_gettext("Given back to you"),
    "payment_refunded": lazy_gettext("Taken back: we returned your money"),
    "dispute_lost": lazy_gettext("Taken back: your bank returned your money"),
    "refund_failed": lazy_gettext("Put back: returning your money failed"),
    "dispute_reversed": lazy_gettext("Put back: your bank decided otherwise"),
    "moved": lazy_gettext("Moved to other credits"),
}


def entry_title(entry: EntryView) -> str:
    """What an entry is, in a few plain words."""
    return action_name(entry.action) if entry.kind == "DEBIT" and entry.action else entry_reason(entry)


def entry_detail(entry: EntryView) -> str:
    """What an entry was for: the use, the thing bought, the note that came with it.

    What was used may have been paid by several grants, so the first of them says nothing about it.
    """
    if entry.kind == "DEBIT" and entry.action:
        about = entry_reason(entry)
    elif entry.action:
        about = action_name(entry.action)
    else:
        about = None if entry.reason in ("amount", "debit_refunded") else item_name(entry.label)
    parts = [about, entry.description]
    if entry.scope and entry.scope != entry.label:
        parts.append(gettext("only for %(influencer)s", influencer=influencer_name(entry.scope)))
    return " · ".join(dict.fromkeys(part for part in parts if part))


def entry_reason(entry: EntryView) -> str:
    """Why an entry was made."""
    reasons = {"DEBIT": DEBITS, "REFUND": REFUNDS}.get(entry.kind, GRANT_SOURCES)
    return str(reasons.get(entry.reason, entry.reason))


def grant_origin(grant: GrantView) -> str:
    """Where a grant came from."""
    return str(GRANT_SOURCES.get(grant.source, grant.source))


def item_name(item: str | None) -> str | None:
    """The name of a plan, pack or influencer that a grant came with; None for the free plan, which says nothing."""
    known = catalog.current()
    if item is None or item == known.free_plan.id:
        return None
    thing = known.plans.get(item) or known.packs.get(item) or influencers.find_or_none(item)
    return thing.name.get(page_locale()) if thing else item


def purchase_title(kind: str, item: str, tier: str | None, quantity: int = 1) -> str:
    """What was bought: a plan, a pack, an influencer's tier."""
    name = item_name(item) or item
    if kind == "plan":
        return gettext("Plan %(name)s", name=name)
    if kind == "influencer":
        return f"{name} · {tier_name(item, tier)}"
    if kind == "topup":
        return gettext("Automatic top-up: %(name)s", name=name)
    title = gettext("Pack: %(name)s", name=name)
    return f"{quantity} × {title}" if quantity > 1 else title


def action_name(action_id: str) -> str:
    """An action's name in the catalog, or its id when it is gone from there."""
    action = catalog.current().actions.get(action_id)
    return action.name.get(page_locale()) if action else action_id


def limit_name(resource: str) -> str:
    """What a limit is on, or its id when it is gone from the catalog."""
    if resource == "spending":
        return gettext("Credits a month")
    rule = catalog.current().quotas.get(resource)
    return rule.name.get(page_locale()) if rule else resource


def influencer_name(influencer_id: str) -> str:
    """An influencer's name, or the id when they are gone from the catalog."""
    influencer = influencers.find_or_none(influencer_id)
    return influencer.name.get(page_locale()) if influencer else influencer_id


def tier_name(influencer_id: str | None, tier_id: str | None) -> str:
    """A tier's name, or its id when it is gone from the catalog."""
    influencer = influencers.find_or_none(influencer_id or "")
    tier = influencer.tiers.get(tier_id or "") if influencer else None
    return tier.name.get(page_locale()) if tier else tier_id or ""


def plan_name(plan_id: str) -> str:
    """A plan's name, or its id when it is gone from the catalog."""
    known = catalog.current()
    if plan_id == known.free_plan.id:
        return known.free_plan.name.get(page_locale())
    plan = known.plans.get(plan_id)
    return plan.name.get(page_locale()) if plan else plan_id
