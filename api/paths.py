"""What a path or a body names: a customer of that id, or 404, the same for everything that is not there (R14)."""

from __future__ import annotations

import re

from api.body import Body
from billing import customers
from billing.errors import NotFound
from billing.models import Customer

CUSTOMER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
ITEM_ID = re.compile(r"[a-z0-9._-]{1,64}")
"""Of a plan, pack, influencer, tier or action."""

OUR_ID = re.compile(r"[a-z]{2,4}_[0-9a-z_]{1,40}")
"""Of a payment, refund, subscription, hold, entry or quote; what does not look like one is not there."""


def customer_at(public_id: str) -> Customer:
    """The customer that the path names; raises `NotFound`."""
    if not CUSTOMER_ID.fullmatch(public_id):
        raise NotFound()
    return customers.find_customer(public_id)


def account_at(public_id: str) -> int:
    """The account of the customer that a call names, where nothing else of them is asked; raises `NotFound`."""
    if not CUSTOMER_ID.fullmatch(public_id):
        raise NotFound()
    return customers.account_of(public_id)


def read_customer_id(body: Body) -> str:
    """The customer's id in a body, checked with its other fields; `customer_at` finds them afterwards."""
    return body.text("customer", required=True, longest=128, pattern=CUSTOMER_ID) or ""
