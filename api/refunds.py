"""`POST /refunds/preview`, `POST /refunds`, `GET /refunds/{id}`: money back, and what becomes of its credits."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.answers import answer, credits
from api.auth import actor
from api.balance import write_short_balance
from api.blueprint import bp
from api.body import Body, read_body
from api.idempotency import idempotent, key_digest
from api.paths import OUR_ID
from billing import accounts, payments, refunds
from billing.errors import NotFound
from billing.payments import RefundView

FIELDS = ("payment", "amount_minor", "credits", "reason", "note")
MAX_NOTE_CHARACTERS = 1000


@bp.post("/refunds/preview")
def preview_refund() -> Response:
    """What a refund would do to money and credits; nothing happens."""
    body = read_body(*FIELDS)
    payment, amount_minor, mode = _read_what(body)
    body.choice("reason", refunds.REASONS)
    body.text("note", longest=MAX_NOTE_CHARACTERS)
    body.check()
    preview = refunds.preview_refund(payment, amount_minor=amount_minor, credits=mode)
    return answer(
        {
            "amount_minor": preview.amount_minor,
            "currency": preview.currency,
            "credits_taken": credits(preview.credits_taken),
            "already_spent": credits(preview.already_spent),
            "held": credits(preview.held),
            "debt_created": credits(preview.debt_created),
            "balance_after": credits(preview.balance_after),
        }
    )


@bp.post("/refunds")
@idempotent(calls_stripe=True)
def request_refund() -> Response:
    """Give money back: 201 when Stripe has done it, 202 while it, or a second person, has yet to."""
    body = read_body(*FIELDS)
    payment, amount_minor, mode = _read_what(body)
    reason = body.choice("reason", refunds.REASONS, required=True) or ""
    note = body.text("note", longest=MAX_NOTE_CHARACTERS)
    body.check()
    refund = refunds.request_refund(
        payment,
        amount_minor=amount_minor,
        credits=mode,
        reason=reason,
        note=note,
        actor=actor(),
        form_token=f"api:{key_digest()}",
    )
    return answer(_write_refund(refund), 201 if refund.settled_at else 202)


@bp.get("/refunds/<refund_id>")
def read_refund(refund_id: str) -> Response:
    """A refund as it stands."""
    if not OUR_ID.fullmatch(refund_id):
        raise NotFound()
    return answer(_write_refund(refunds.read_refund(refund_id)))


def _read_what(body: Body) -> tuple[str, int | None, str]:
    payment = body.text("payment", required=True, longest=40) or ""
    amount_minor = body.count("amount_minor", most=10**12)
    mode = body.choice("credits", refunds.MODES, required=True) or ""
    return payment, amount_minor, mode


def _write_refund(refund: RefundView) -> dict[str, Any]:
    return {
        "id": refund.id,
        "payment": refund.payment_id,
        "status": "pending" if refund.status == "requires_action" else refund.status,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "credits_taken": credits(refund.credits_taken),
        "debt_created": credits(refund.debt_created),
        "balance": write_short_balance(accounts.read_balance(payments.get(refund.payment_id).account_id)),
    }
