"""`GET /customers/{c}/balance`."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.answers import answer, credits, time
from api.blueprint import bp
from api.paths import account_at
from billing import accounts, catalog, clock, entitlements
from billing.ledger.balances import BalanceView, GrantView


@bp.get("/customers/<public_id>/balance")
def read_balance(public_id: str) -> Response:
    """What a customer has, by grants in the order in which they are spent."""
    return answer(write_balance(public_id, account_at(public_id)))


def write_balance(public_id: str, account_id: int) -> dict[str, Any]:
    """A customer's balance as JSON."""
    balance, (living,) = accounts.read_balance_and(account_id, entitlements.plan_asked(account_id))
    plan = entitlements.plan_in(living)
    sold = catalog.current().plans.get(plan)
    # Sold as unlimited is not enough: it must be paid, and not disputed (R13).
    unlimited = sold is not None and sold.unlimited
    unlimited = unlimited and entitlements.entitlement_in(living, clock.now()).unlimited
    expiry = balance.next_expiry
    return {
        "customer": public_id,
        "plan": plan,
        "unlimited": unlimited,
        "balance": credits(balance.balance),
        "held": credits(balance.held),
        "frozen": credits(balance.frozen),
        "debt": credits(balance.debt),
        "available": credits(balance.available),
        "scoped": {scope: credits(amount) for scope, amount in balance.scoped.items()},
        "totals": {
            "purchased": credits(balance.totals.purchased),
            "credited": credits(balance.totals.credited),
            "debited": credits(balance.totals.debited),
            "refunded": credits(balance.totals.refunded),
        },
        "month": {
            "spent": credits(balance.month_spent),
            "limit": None if balance.monthly_limit is None else credits(balance.monthly_limit),
        },
        "next_expiry": {"amount": credits(expiry[0]), "at": time(expiry[1])} if expiry else None,
        "grants": [_write_grant(grant) for grant in balance.grants],
    }


def write_short_balance(balance: BalanceView) -> dict[str, Any]:
    """The three figures that come with each call that moves credits."""
    return {
        "balance": credits(balance.balance),
        "held": credits(balance.held),
        "available": credits(balance.available),
    }


def _write_grant(grant: GrantView) -> dict[str, Any]:
    return {
        "id": grant.id,
        "source": grant.source,
        "granted": credits(grant.granted),
        "remaining": credits(grant.remaining),
        "held": credits(grant.held),
        "frozen": credits(grant.frozen),
        "priority": grant.priority,
        "effective_at": time(grant.effective_at),
        "expires_at": time(grant.expires_at),
        "scope": grant.scope,
    }
