"""Checkout Sessions: Stripe's own pages on which customers pay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from stripe.params.checkout import SessionCreateParams

from billing.ids import new_id
from billing.stripe_facts import CheckoutSessionFacts, read_checkout_session
from billing.stripe_gateway.calls import PAGE_SIZE, Calls


@dataclass(frozen=True)
class SessionOrder:
    """What a new session sells, and to whom; every field was decided on the server (R15).

    `success_path` and `cancel_path` are paths of ours; Stripe fills in `{CHECKOUT_SESSION_ID}`. `record_id` is
    our own record's, by which a session is found again whose making was never answered.
    """

    mode: Literal["payment", "subscription"]
    customer: str
    client_reference_id: str
    price: str
    quantity: int
    metadata: dict[str, str]
    record_id: str
    success_path: str
    cancel_path: str
    locale: Literal["en", "es", "auto"]
    trial_days: int = 0


class CheckoutCalls(Calls):
    """`checkout.sessions`."""

    def create_checkout_session(self, order: SessionOrder) -> CheckoutSessionFacts:
        """A new session, or the one made for this record before: its id is the idempotency key."""
        params: SessionCreateParams = {
            "mode": order.mode,
            "customer": order.customer,
            "client_reference_id": order.client_reference_id,
            "line_items": [{"price": order.price, "quantity": order.quantity}],
            "metadata": {**order.metadata, "saldo_checkout": order.record_id},
            "success_url": self._public_url + order.success_path,
            "cancel_url": self._public_url + order.cancel_path,
            "locale": order.locale,
            "allow_promotion_codes": True,
        }
        # Metadata does not propagate by itself: what Stripe makes of the session gets its own copy.
        if order.mode == "payment":
            params["payment_intent_data"] = {"metadata": order.metadata}
        else:
            params["subscription_data"] = {"metadata": order.metadata}
            if order.trial_days:
                params["subscription_data"]["trial_period_days"] = order.trial_days
        return self._call(
            "checkout.sessions.create",
            lambda: self._v1.checkout.sessions.create(params, {"idempotency_key": order.record_id}),
            read_checkout_session,
        )

    def retrieve_checkout_session(self, session_id: str) -> CheckoutSessionFacts:
        """The session as it is now; raises `StripeNotFound`."""
        return self._call(
            "checkout.sessions.retrieve",
            lambda: self._v1.checkout.sessions.retrieve(session_id),
            read_checkout_session,
        )

    def expire_checkout_session(self, session_id: str) -> CheckoutSessionFacts:
        """Close an open session; raises `StripeRequestRefused` when it is complete or expired already."""
        key = new_id("expire")
        return self._call(
            "checkout.sessions.expire",
            lambda: self._v1.checkout.sessions.expire(session_id, {}, {"idempotency_key": key}),
            read_checkout_session,
        )

    def list_checkout_sessions(
        self,
        *,
        created_gte: datetime | None = None,
        customer: str | None = None,
        payment_intent: str | None = None,
        subscription: str | None = None,
        status: Literal["open", "complete", "expired"] | None = None,
    ) -> Iterator[CheckoutSessionFacts]:
        """Sessions, newest first, that match everything given."""
        params: dict[str, Any] = {"limit": PAGE_SIZE}
        if created_gte:
            params["created"] = {"gte": int(created_gte.timestamp())}
        for name, value in (
            ("customer", customer),
            ("payment_intent", payment_intent),
            ("subscription", subscription),
            ("status", status),
        ):
            if value:
                params[name] = value

        def fetch(after: str | None) -> Any:
            page = {**params, "starting_after": after} if after else params
            return self._v1.checkout.sessions.list(page)  # type: ignore[arg-type]

        return self._pages("checkout.sessions.list", fetch, read_checkout_session)
