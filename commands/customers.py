"""Finding the customer that a command is about."""

from __future__ import annotations

from billing import customers
from billing.errors import NotFound
from billing.models import Customer


def customer_named(public_id: str) -> Customer:
    """The customer of that id; raises `NotFound`, naming it."""
    try:
        return customers.find_customer(public_id)
    except NotFound:
        raise NotFound(f"there is no customer {public_id}") from None
