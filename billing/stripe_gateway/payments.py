"""Money back and forth: PaymentIntents, charges, refunds, disputes; and the events that told of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from billing.stripe_facts import (
    ChargeFacts,
    DisputeFacts,
    RefundFacts,
    read_charge,
    read_dispute,
    read_receipt_url,
    read_refund,
)
from billing.stripe_gateway.calls import PAGE_SIZE, Calls
from billing.stripe_gateway.hosted_pages import check_hosted_page

RefundReason = Literal["duplicate", "fraudulent", "requested_by_customer"]


class PaymentCalls(Calls):
    """`payment_intents`, `charges`, `refunds`, `disputes`, `events`."""

    def retrieve_charge(self, charge_id: str) -> ChargeFacts:
        """The charge as it is now; raises `StripeNotFound`."""
        return self._call("charges.retrieve", lambda: self._v1.charges.retrieve(charge_id), read_charge)

    def find_receipt_url(self, payment_intent: str) -> str | None:
        """Where Stripe shows the receipt of the charge that went through, and nowhere else (F138); None without one.

        Asked of the charges, so that the key needs no right to PaymentIntents.
        """
        params = _filters(payment_intent=payment_intent, created_gte=None)

        def fetch(after: str | None) -> Any:
            page = {**params, "starting_after": after} if after else params
            return self._v1.charges.list(page)  # type: ignore[arg-type]

        def read(charge: dict[str, Any]) -> str | None:
            return check_hosted_page(read_receipt_url(charge), self._api_base)

        return next(filter(None, self._pages("charges.list", fetch, read)), None)

    def create_refund(
        self,
        *,
        payment_intent: str,
        amount: int,
        reason: RefundReason | None,
        metadata: dict[str, str],
        idempotency_key: str,
    ) -> RefundFacts:
        """Give `amount` minor units back; the same key never gives back twice (R6).

        Raises `StripeRequestRefused` (charged back, refunded elsewhere: not to be tried again),
        `StripeIdempotencyMismatch`, or `StripeUnavailable`, after which the refund may exist.
        """
        return self._call(
            "refunds.create",
            lambda: self._v1.refunds.create(
                {
                    "payment_intent": payment_intent,
                    "amount": amount,
                    "metadata": metadata,
                    **({"reason": reason} if reason else {}),
                },
                {"idempotency_key": idempotency_key},
            ),
            read_refund,
        )

    def retrieve_refund(self, refund_id: str) -> RefundFacts:
        """The refund as it is now; raises `StripeNotFound`."""
        return self._call("refunds.retrieve", lambda: self._v1.refunds.retrieve(refund_id), read_refund)

    def list_refunds(
        self,
        *,
        payment_intent: str | None = None,
        charge: str | None = None,
        created_gte: datetime | None = None,
    ) -> Iterator[RefundFacts]:
        """Refunds, newest first, that match everything given."""
        params = _filters(payment_intent=payment_intent, charge=charge, created_gte=created_gte)

        def fetch(after: str | None) -> Any:
            page = {**params, "starting_after": after} if after else params
            return self._v1.refunds.list(page)  # type: ignore[arg-type]

        return self._pages("refunds.list", fetch, read_refund)

    def retrieve_dispute(self, dispute_id: str) -> DisputeFacts:
        """The dispute as it is now; raises `StripeNotFound`."""
        return self._call("disputes.retrieve", lambda: self._v1.disputes.retrieve(dispute_id), read_dispute)

    def list_disputes(
        self, *, payment_intent: str | None = None, created_gte: datetime | None = None
    ) -> Iterator[DisputeFacts]:
        """Disputes, newest first, that match everything given."""
        params = _filters(payment_intent=payment_intent, created_gte=created_gte)

        def fetch(after: str | None) -> Any:
            page = {**params, "starting_after": after} if after else params
            return self._v1.disputes.list(page)  # type: ignore[arg-type]

        return self._pages("disputes.list", fetch, read_dispute)

    def retrieve_event_payload(self, event_id: str) -> dict[str, Any]:
        """An event of the last 30 days as plain JSON, to be kept like one that came in; `StripeNotFound`."""
        return self._call("events.retrieve", lambda: self._v1.events.retrieve(event_id), lambda event: event)


def _filters(*, created_gte: datetime | None, **equal: str | None) -> dict[str, Any]:
    params: dict[str, Any] = {"limit": PAGE_SIZE}
    params.update({name: value for name, value in equal.items() if value})
    if created_gte:
        params["created"] = {"gte": int(created_gte.timestamp())}
    return params
