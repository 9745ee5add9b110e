"""A debit by Saldo's rules alone, as the API asks for it, without HTTP around it."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from billing.db import connection
from billing.models import Customer
from billing.money import MICRO
from billing.spending import Spending
from billing.spending import debit as spend


def account_ids(customers: list[str]) -> list[int]:
    """The accounts of these customers, in their order."""
    rows = connection().execute(
        select(Customer.public_id, Customer.account_id).where(Customer.public_id.in_(customers))
    )
    found = dict(rows.tuples().all())
    return [found[customer] for customer in customers]


def debit(account_id: int) -> None:
    """One action's price, under a business key as long as the API makes them."""
    source = f"app:bench:{uuid.uuid4()}"
    spend(account_id, Spending(5 * MICRO, actor="app:bench", action="image", source=source))
