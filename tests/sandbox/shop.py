"""Things to sell and ways to buy them, for tests of the sandbox."""

from __future__ import annotations

from typing import Any

from tests.sandbox_server import SandboxServer

SUCCESS = "http://127.0.0.1:8000/checkout/return?session={CHECKOUT_SESSION_ID}"
CANCEL = "http://127.0.0.1:8000/plans"


def customer(client: Any, email: str = "ada@example.com", **fields: Any) -> Any:
    return client.customers.create({"email": email, "name": "Ada Test", **fields})


def price(
    client: Any, amount: int, interval: str | None = "month", product: str = "saldo_plan_basic", **fields: Any
) -> Any:
    """A price; its product is made at the first need."""
    if product not in [p.id for p in client.products.list({"ids": [product]}).data]:
        client.products.create({"id": product, "name": product.rpartition("_")[2].title()})
    recurring = {"recurring": {"interval": interval}} if interval else {}
    return client.prices.create({"product": product, "currency": "usd", "unit_amount": amount, **recurring, **fields})


def checkout(client: Any, buyer: Any, item: Any, *, quantity: int = 1, **fields: Any) -> Any:
    """A Checkout Session for one price."""
    return client.checkout.sessions.create(
        {
            "mode": "payment" if item.recurring is None else "subscription",
            "customer": buyer.id,
            "client_reference_id": "web_1",
            "line_items": [{"price": item.id, "quantity": quantity}],
            "success_url": SUCCESS,
            "cancel_url": CANCEL,
            **fields,
        }
    )


def subscribe(sandbox: SandboxServer, client: Any, buyer: Any, item: Any, with_: str = "card", **fields: Any) -> Any:
    """Buy a subscription through Checkout; returns it."""
    session = checkout(client, buyer, item, **fields)
    paid = sandbox.pay(session.id, with_)
    return client.subscriptions.retrieve(paid["session"]["subscription"])


def buy(sandbox: SandboxServer, client: Any, buyer: Any, item: Any, **fields: Any) -> Any:
    """Buy something once; returns its payment intent."""
    session = checkout(client, buyer, item, **fields)
    paid = sandbox.pay(session.id)
    return client.payment_intents.retrieve(paid["session"]["payment_intent"])
