"""What an app asks for, in the words of the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict

from saldo.exact import Credits

FailureReason = Literal["moderation", "timeout", "provider_error", "user_cancelled"]


class Job(TypedDict, total=False):
    """What the price depends on; which of these an action takes, the catalog says."""

    quantity: int
    units: int
    model: str
    input_tokens: int
    output_tokens: int
    influencer: str


class Order(Job, total=False):
    """A job with what its record shall say. `reference` ties quote, hold and receipt together."""

    quote: str
    reference: str
    description: str
    metadata: Mapping[str, Any]
    agent: str
    thread: str
    execution: str


class Event(Order, total=False):
    """One use of a `usage` batch. `id` is its idempotency key: the same id is charged once, ever."""

    id: str
    customer: str
    action: str
    amount: Credits
    occurred_at: datetime


class Length(TypedDict, total=False):
    """How much it has really been, when a hold is captured."""

    quantity: int
    units: int
    input_tokens: int
    output_tokens: int
