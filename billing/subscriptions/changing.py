"""Stopping and resuming a subscription, and the door to Stripe's portal."""

from __future__ import annotations

from collections.abc import Callable

from billing import stripe_customers, stripe_gateway
from billing.errors import Conflict
from billing.models import Subscription
from billing.stripe_facts import SubscriptionFacts
from billing.stripe_gateway import StripeRequestRefused, check_return_path
from billing.subscriptions.reading import SubscriptionView, get_subscription, own_row
from billing.subscriptions.syncing import sync_subscription


def cancel_subscription(account_id: int, subscription_id: str, now: bool = False) -> SubscriptionView:
    """Stop it at its period's end, or at once; nothing that was granted is taken (R12).

    Cancelling what is being cancelled already changes nothing. Raises `NotFound`, `Conflict` when it has ended,
    `StripeUnavailable`.
    """
    row = _living(account_id, subscription_id)
    if row.cancel_at is not None and not now:
        return get_subscription(account_id, subscription_id)
    gateway = stripe_gateway.current()
    if now:
        return _change(account_id, row, gateway.cancel_subscription)
    return _change(account_id, row, lambda stripe_id: gateway.update_subscription(stripe_id, cancel_at_period_end=True))


def pause_subscription(account_id: int, subscription_id: str) -> SubscriptionView:
    """Charge nothing more until it is resumed; what is paid lasts to its period's end, and nothing comes after.

    Raises like `cancel_subscription`, and `Conflict` for one that is not paid for at the moment.
    """
    row = _living(account_id, subscription_id)
    if row.status == "paused":
        return get_subscription(account_id, subscription_id)
    if row.status != "active":
        raise Conflict("Only an active subscription can be paused.")
    return _change(account_id, row, stripe_gateway.current().pause_subscription)


def resume_subscription(account_id: int, subscription_id: str) -> SubscriptionView:
    """Let one go on that is paused, or was to stop at its period's end; raises like `cancel_subscription`."""
    row = _living(account_id, subscription_id)
    gateway = stripe_gateway.current()
    if row.status == "paused":
        _change(account_id, row, gateway.unpause_subscription)
        row = _living(account_id, subscription_id)
    if row.cancel_at is None:
        return get_subscription(account_id, subscription_id)

    def keep(stripe_id: str) -> SubscriptionFacts:
        facts = gateway.update_subscription(stripe_id, cancel_at_period_end=False)
        # The portal may have set a date instead.
        return gateway.clear_cancel_at(stripe_id) if facts.cancel_at else facts

    return _change(account_id, row, keep)


def open_portal(account_id: int, return_path: str = "/subscriptions") -> str:
    """The address of Stripe's portal, where customers change cards and see invoices, for this account.

    Raises `NotFound`, `InvalidReturnPath`, `StripeUnavailable`.
    """
    check_return_path(return_path)
    gateway = stripe_gateway.current()
    ours = (each for each in gateway.list_portal_configurations() if "saldo_portal" in each.metadata)
    configuration = next((each.id for each in ours), None)
    return stripe_customers.with_stripe_customer(
        account_id,
        lambda customer: gateway.create_portal_session(
            customer=customer, configuration=configuration, return_path=return_path, locale=None
        ),
    )


def _living(account_id: int, subscription_id: str) -> Subscription:
    row = own_row(account_id, subscription_id)
    if row.ended_at is not None:
        raise Conflict("The subscription has ended.")
    return row


def _change(account_id: int, row: Subscription, call: Callable[[str], SubscriptionFacts]) -> SubscriptionView:
    """Ask Stripe for the change and copy its answer; when Stripe refuses, copy how things stand there."""
    subscription_id, stripe_id = row.id, row.stripe_id
    try:
        facts = call(stripe_id)
    except StripeRequestRefused:
        sync_subscription(stripe_gateway.current().retrieve_subscription(stripe_id))
        raise Conflict("Stripe does not change this subscription any more.") from None
    sync_subscription(facts)
    return get_subscription(account_id, subscription_id)
