"""What a path names: a customer of that id, or 404, the same for everything that is not there (R14)."""

from __future__ import annotations

import re

from billing import customers
from billing.errors import NotFound
from billing.models import Customer

CUSTOMER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")


def customer_at(public_id: str) -> Customer:
    """The customer that the path names; raises `NotFound`."""
    if not CUSTOMER_ID.fullmatch(public_id):
        raise NotFound()
    return customers.find_customer(public_id)
