"""Everything we hold about one customer, for them to take along: read in parts, so that long books fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from billing import accounts, payments, subscriptions
from billing.clock import to_rfc3339
from billing.db import connection, db
from billing.errors import NotFound
from billing.ledger import history
from billing.ledger.balances import BalanceView
from billing.models import Customer, StripeCustomer, Usage
from billing.money import credits_to_json

USAGE_COLUMNS = (
    *("occurred_at", "action", "quantity", "units", "model", "input_tokens", "output_tokens", "influencer", "agent"),
    *("thread", "execution", "reference", "description"),
)

FIGURES = ("balance", "available", "held", "frozen", "debt")

ROWS_AT_ONCE = 500


def read_personal_data(account_id: int) -> dict[str, Any]:
    """Who they are, what they have, subscribe to and paid; credits as numbers. Raises `NotFound`.

    The lists that may be long come from `read_entries` and `read_usage`.
    """
    customer = db.session.get(Customer, account_id)
    if customer is None:
        raise NotFound()
    linked = select(StripeCustomer.stripe_id).where(StripeCustomer.account_id == account_id)
    return {
        "customer": {
            "id": customer.public_id,
            "email": customer.email,
            "name": customer.name,
            "locale": customer.locale,
            "created_at": to_rfc3339(customer.created_at),
            "email_confirmed_at": _time(customer.email_confirmed_at),
            "stripe_customers": list(connection().scalars(linked.order_by(StripeCustomer.created_at))),
        },
        "balance": _balance(accounts.read_balance(account_id)),
        "subscriptions": [_subscription(each) for each in subscriptions.list_subscriptions(account_id)],
        "payments": [_payment(each) for each in payments.list_payments(account_id)],
    }


def read_entries(account_id: int) -> Iterator[dict[str, Any]]:
    """Every movement of their credits, newest first."""
    cursor: str | None = None
    while True:
        page = history.list_entries(account_id, limit=history.MAX_PAGE, cursor=cursor)
        for entry in page.entries:
            yield {
                "id": entry.id,
                "kind": entry.kind,
                "reason": entry.reason,
                "amount": credits_to_json(entry.amount),
                "balance_after": credits_to_json(entry.balance_after),
                "action": entry.action,
                "description": entry.description,
                "reference": entry.reference,
                "metadata": entry.metadata,
                "created_at": to_rfc3339(entry.at),
            }
        cursor = page.next_cursor
        if cursor is None:
            return


def read_usage(account_id: int) -> Iterator[dict[str, Any]]:
    """Every job that was asked for on their behalf, oldest first."""
    last = 0
    while True:
        rows = connection().execute(
            select(Usage.__table__)
            .where(Usage.account_id == account_id, Usage.number > last)
            .order_by(Usage.number)
            .limit(ROWS_AT_ONCE)
        )
        found = rows.all()
        for row in found:
            said = {name: getattr(row, name) for name in USAGE_COLUMNS}
            yield {**said, "occurred_at": to_rfc3339(row.occurred_at), "credits": credits_to_json(row.charged)}
        if len(found) < ROWS_AT_ONCE:
            return
        last = found[-1].number


def _balance(balance: BalanceView) -> dict[str, Any]:
    return {
        **{name: credits_to_json(getattr(balance, name)) for name in FIGURES},
        "grants": [
            {
                "source": grant.source,
                "granted": credits_to_json(grant.granted),
                "remaining": credits_to_json(grant.remaining),
                "expires_at": _time(grant.expires_at),
                "scope": grant.scope,
            }
            for grant in balance.grants
        ],
    }


def _subscription(view: subscriptions.SubscriptionView) -> dict[str, Any]:
    names = ("id", "kind", "plan", "influencer", "tier", "interval", "status", "quantity", "stripe_id")
    return {
        **{name: getattr(view, name) for name in names},
        "current_period_end": to_rfc3339(view.current_period_end),
        "cancel_at": _time(view.cancel_at),
    }


def _payment(view: payments.PaymentView) -> dict[str, Any]:
    names = ("id", "kind", "item", "tier", "amount_minor", "refunded_minor", "currency", "status", "stripe")
    return {
        **{name: getattr(view, name) for name in names},
        "granted": credits_to_json(view.granted),
        "paid_at": to_rfc3339(view.paid_at),
    }


def _time(at: Any) -> str | None:
    return None if at is None else to_rfc3339(at)
