"""`GET /customers/{c}/payments`: what came in, what of it went back, and what it granted."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api import query
from api.answers import credits, page_of, time
from api.blueprint import bp
from api.paths import customer_at
from billing import accounts, payments
from billing.payments import PaymentView


@bp.get("/customers/<public_id>/payments")
def list_payments(public_id: str) -> Response:
    """One page of payments, newest first."""
    customer = customer_at(public_id)
    limit = query.limit()
    accounts.ensure_up_to_date(customer.account_id)
    return page_of(
        payments.list_payments(customer.account_id),
        id_of=lambda payment: payment.id,
        write=_write_payment,
        limit=limit,
        cursor=request.args.get("cursor"),
    )


def _write_payment(payment: PaymentView) -> dict[str, Any]:
    return {
        "id": payment.id,
        "kind": payment.kind,
        "description": payment.description,
        "amount_minor": payment.amount_minor,
        "refunded_minor": payment.refunded_minor,
        "refundable_minor": payment.refundable_minor,
        "currency": payment.currency,
        "status": payment.status,
        "granted": credits(payment.granted),
        "spent": credits(payment.spent),
        "unspent": credits(payment.unspent),
        "held": credits(payment.held),
        "grants": payment.grants,
        "stripe": payment.stripe,
        "created_at": time(payment.paid_at),
    }
