"""A debit by Saldo's rules alone, as the API asks for it, without HTTP around it."""

from __future__ import annotations

from sqlalchemy import select

from billing import spending
from billing.db import connection
from billing.models import Customer
from billing.spending import Order


def account_ids(customers: list[str]) -> list[int]:
    """The accounts of these customers, in their order."""
    query = select(Customer.public_id, Customer.account_id).where(Customer.public_id.in_(customers))
    found = dict(connection().execute(query).tuples().all())
    return [found[customer] for customer in customers]


def debit(account_id: int) -> None:
    """One action's price."""
    spending.debit(account_id, Order(action="image"), actor="app:bench")
