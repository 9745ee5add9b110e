"""Subscriptions: read, cancelled, kept."""

from __future__ import annotations

from billing.ids import new_id
from billing.stripe_facts import SubscriptionFacts, read_subscription
from billing.stripe_gateway.calls import Calls


class SubscriptionCalls(Calls):
    """`subscriptions`."""

    def retrieve_subscription(self, subscription_id: str) -> SubscriptionFacts:
        """The subscription as it is now, also an ended one; raises `StripeNotFound`."""
        return self._call(
            "subscriptions.retrieve",
            lambda: self._v1.subscriptions.retrieve(subscription_id),
            read_subscription,
        )

    def update_subscription(self, subscription_id: str, *, cancel_at_period_end: bool) -> SubscriptionFacts:
        """Stop it at the end of its period, or let it go on after all."""
        key = new_id("subscription")
        return self._call(
            "subscriptions.update",
            lambda: self._v1.subscriptions.update(
                subscription_id, {"cancel_at_period_end": cancel_at_period_end}, {"idempotency_key": key}
            ),
            read_subscription,
        )

    def clear_cancel_at(self, subscription_id: str) -> SubscriptionFacts:
        """Let a subscription go on that the portal or the Dashboard gave a date to end at."""
        key = new_id("subscription")
        return self._call(
            "subscriptions.update",
            lambda: self._v1.subscriptions.update(subscription_id, {"cancel_at": ""}, {"idempotency_key": key}),
            read_subscription,
        )

    def pause_subscription(self, subscription_id: str) -> SubscriptionFacts:
        """Collect no more payments: invoices to come are void, and bring nothing."""
        key = new_id("subscription")
        return self._call(
            "subscriptions.update",
            lambda: self._v1.subscriptions.update(
                subscription_id, {"pause_collection": {"behavior": "void"}}, {"idempotency_key": key}
            ),
            read_subscription,
        )

    def unpause_subscription(self, subscription_id: str) -> SubscriptionFacts:
        """Collect payments again, from the next invoice on."""
        key = new_id("subscription")
        return self._call(
            "subscriptions.update",
            lambda: self._v1.subscriptions.update(subscription_id, {"pause_collection": ""}, {"idempotency_key": key}),
            read_subscription,
        )

    def cancel_subscription(self, subscription_id: str) -> SubscriptionFacts:
        """End it at once, without proration; raises `StripeRequestRefused` when it has ended already."""
        return self._call(
            "subscriptions.cancel",
            lambda: self._v1.subscriptions.cancel(subscription_id),
            read_subscription,
        )
