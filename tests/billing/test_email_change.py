"""Another address at Stripe, too: receipts follow."""

from __future__ import annotations

import pytest

from billing import customers, email_change, links, stripe_customers
from billing.db import db, transaction
from tests.stripe_world import Shop, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


@pytest.fixture
def ana(shop: Shop) -> int:
    return customers.register("ana@example.com", "correct horse battery").account_id


def change(account_id: int, email: str) -> None:
    email_change.request_change(account_id, email)
    with transaction():
        token, _ = links.make_link("change_email", account_id)
    email_change.change_email(token)
    db.session.rollback()


def test_stripe_is_told_of_the_new_address(shop: Shop, ana: int) -> None:
    stripe_id = stripe_customers.ensure_stripe_customer(ana)
    change(ana, "new@example.com")
    assert shop.sandbox.client.v1.customers.retrieve(stripe_id).email == "new@example.com"


def test_address_changes_also_while_stripe_is_away(shop: Shop, ana: int) -> None:
    stripe_customers.ensure_stripe_customer(ana)
    shop.sandbox.fault("401", path="/v1/customers")
    change(ana, "new@example.com")
    assert customers.get(ana).login_email == "new@example.com"
