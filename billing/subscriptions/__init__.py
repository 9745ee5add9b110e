"""Subscriptions as Stripe tells of them, what they give access to, and stopping and resuming them."""

from billing.entitlements import Access, access_to
from billing.subscriptions.changing import (
    cancel_subscription,
    open_portal,
    pause_subscription,
    resume_subscription,
)
from billing.subscriptions.finding import Follower, Followers, list_followers, owner_of
from billing.subscriptions.reading import (
    PlanState,
    SubscriptionView,
    current_plan,
    get_subscription,
    list_subscriptions,
)
from billing.subscriptions.syncing import (
    SECOND_PLAN,
    Overtaken,
    state_of,
    sync_subscription,
)

__all__ = [
    "SECOND_PLAN",
    "Access",
    "Follower",
    "Followers",
    "Overtaken",
    "PlanState",
    "SubscriptionView",
    "access_to",
    "cancel_subscription",
    "current_plan",
    "get_subscription",
    "list_followers",
    "list_subscriptions",
    "open_portal",
    "owner_of",
    "pause_subscription",
    "resume_subscription",
    "state_of",
    "sync_subscription",
]
