"""`POST /debits` and `POST /debits/{entry id}/refunds`: spending at once, and giving it back."""

from __future__ import annotations

from flask import Response

from api.answers import answer, credits
from api.auth import actor
from api.balance import write_short_balance
from api.blueprint import bp
from api.body import read_body
from api.entries import write_entry
from api.idempotency import idempotent
from api.orders import FIELDS, check_influencer, read_order
from api.paths import account_at, read_customer_id
from api.quotas import write_quota
from billing import spending

MAX_REASON_CHARACTERS = 500


@bp.post("/debits")
@idempotent(for_ever=True)
def create_debit() -> Response:
    """Charge an action at the catalog's price, or an amount; 402, 403 or 429 say what stops it and the way out."""
    body = read_body("customer", *FIELDS)
    public_id = read_customer_id(body)
    order = read_order(body)
    body.check()
    check_influencer(order)
    charge = spending.debit(account_at(public_id), order, actor=actor())
    return answer(
        {
            "debit": write_entry(charge.entry) if charge.entry else None,
            "amount": credits(charge.amount),
            "would_refuse": charge.would_refuse,
            "balance": write_short_balance(charge.balance),
            "quotas": [write_quota(quota) for quota in charge.quotas],
        },
        201,
    )


@bp.post("/debits/<entry_id>/refunds")
@idempotent(for_ever=True)
def refund_debit(entry_id: str) -> Response:
    """Give a debit back, whole or in part; all of it also gives its quota back."""
    body = read_body("amount", "reason", optional=True)
    amount = body.credits("amount")
    reason = body.text("reason", longest=MAX_REASON_CHARACTERS)
    body.check()
    return answer(write_entry(spending.refund_debit(entry_id, amount, actor=actor(), reason=reason).entry), 201)
