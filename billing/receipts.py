"""The receipt of a payment: a page at Stripe, whose address is asked for each time, because such links run out."""

from __future__ import annotations

from billing import payments, stripe_gateway
from billing.errors import NotFound
from billing.stripe_gateway import StripeNotFound


def find_receipt(account_id: int, payment_id: str) -> str:
    """Where Stripe shows the customer the invoice, or the receipt where there is none, of their payment.

    Raises `NotFound` for an unknown or another's payment (R14) and where Stripe has no such page, as for what was
    free; `StripeUnavailable` when it does not answer, or with an address that is not its own.
    """
    payment = payments.get(payment_id)
    if payment.account_id != account_id:
        raise NotFound()
    try:
        address = _ask(payments.stripe_ids(payment))
    except StripeNotFound:
        raise NotFound() from None
    if address is None:
        raise NotFound()
    return address


def _ask(ids: dict[str, str]) -> str | None:
    gateway = stripe_gateway.current()
    if "invoice" in ids:
        return gateway.retrieve_hosted_invoice_url(ids["invoice"])
    if "payment_intent" in ids:
        return gateway.find_receipt_url(ids["payment_intent"])
    return None
