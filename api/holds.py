"""`POST /holds`, `GET /holds/{id}` and its ends: capture, void, fail."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.answers import answer, credits, time
from api.auth import actor
from api.balance import write_short_balance
from api.blueprint import bp
from api.body import read_body
from api.entries import write_entry
from api.idempotency import idempotent
from api.orders import FIELDS, check_influencer, read_order
from api.paths import customer_at, read_customer_id
from billing import customers, spending
from billing.spending import HoldView

REASONS = ("moderation", "timeout", "provider_error", "user_cancelled")
MEASURES = ("quantity", "units", "input_tokens", "output_tokens")


@bp.post("/holds")
@idempotent()
def place_hold() -> Response:
    """Reserve credits and quota for a job that is about to run."""
    body = read_body("customer", "expires_in", *FIELDS)
    public_id = read_customer_id(body)
    order = read_order(body)
    expires_in = body.count("expires_in", most=spending.MAX_HOLD_SECONDS) or spending.DEFAULT_HOLD_SECONDS
    body.check()
    check_influencer(order)
    hold = spending.place_hold(customer_at(public_id).account_id, order, expires_in, actor=actor())
    return answer(_write_hold(hold), 201)


@bp.get("/holds/<hold_id>")
def read_hold(hold_id: str) -> Response:
    """A hold as it stands now."""
    return answer(_write_hold(spending.read_hold(hold_id)))


@bp.post("/holds/<hold_id>/capture")
@idempotent()
def capture_hold(hold_id: str) -> Response:
    """Charge what the job came to, by amount or by what was done; the rest is free at once."""
    body = read_body("amount", *MEASURES, optional=True)
    amount = body.credits("amount")
    counts = {name: body.count(name, least=0 if "tokens" in name else 1) for name in MEASURES}
    if amount is not None:
        for name in body.gives(*MEASURES):
            body.refuse(name, "goes without amount only")
    body.check()
    hold, debit = spending.capture_hold(hold_id, amount, **counts)
    return answer(
        {
            "hold": _write_hold(hold),
            "debit": write_entry(debit) if debit else None,
            "balance": write_short_balance(hold.balance),
        }
    )


@bp.post("/holds/<hold_id>/void")
@idempotent()
def void_hold(hold_id: str) -> Response:
    """Release a hold without charging anything."""
    read_body(optional=True).check()
    return _ended(spending.void_hold(hold_id))


@bp.post("/holds/<hold_id>/fail")
@idempotent()
def fail_hold(hold_id: str) -> Response:
    """The job failed: charge the share that the catalog gives for this reason, and release the rest."""
    body = read_body("reason")
    reason = body.choice("reason", REASONS, required=True) or ""
    body.check()
    return _ended(spending.fail_hold(hold_id, reason))


def _ended(hold: HoldView) -> Response:
    return answer({"hold": _write_hold(hold), "balance": write_short_balance(hold.balance)})


def _write_hold(hold: HoldView) -> dict[str, Any]:
    return {
        "id": hold.id,
        "customer": customers.get(hold.account_id).public_id,
        "amount": credits(hold.amount),
        "captured": credits(hold.captured),
        "status": hold.status,
        "expires_at": time(hold.expires_at),
        "reference": hold.reference,
        "balance": write_short_balance(hold.balance),
    }
