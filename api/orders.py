"""What an app asks for, as quotes, debits, holds and usage events all say it."""

from __future__ import annotations

from api.body import Body
from api.paths import ITEM_ID
from billing import influencers, orders
from billing.errors import NotFound
from billing.orders import Order

PRICED = ("action", "quantity", "units", "model", "input_tokens", "output_tokens", "influencer")
"""The fields that a price depends on."""

FIELDS = (*PRICED, "amount", "quote", "reference", "description", "metadata", "agent", "thread", "execution")


def read_order(body: Body, *, by_amount: bool = True) -> Order:
    """The order in a body; what is wrong with it is the body's to say.

    Exactly one of `action` and `amount` (or, unless `by_amount`, an action), and nothing that only an action has
    beside an amount.
    """
    if not by_amount:
        body.text("action", required=True, pattern=ITEM_ID)
    elif len(given := body.gives("action", "amount")) != 1:
        for name in ("action", "amount"):
            body.refuse(name, "expected exactly one of action and amount")
    elif given == ["amount"]:
        for name in body.gives("quantity", "units", "model", "input_tokens", "output_tokens", "quote"):
            body.refuse(name, "goes with action only")
    return Order(
        action=body.text("action", pattern=ITEM_ID),
        amount=body.credits("amount"),
        quantity=body.count("quantity") or 1,
        units=body.count("units"),
        model=body.text("model", longest=128),
        input_tokens=body.count("input_tokens", least=0),
        output_tokens=body.count("output_tokens", least=0),
        influencer=body.text("influencer", pattern=ITEM_ID),
        quote=body.text("quote", longest=40),
        reference=body.text("reference"),
        description=body.text("description", longest=orders.MAX_DESCRIPTION_CHARACTERS),
        metadata=body.metadata("metadata"),
        agent=body.text("agent"),
        thread=body.text("thread"),
        execution=body.text("execution"),
    )


def check_influencer(order: Order) -> None:
    """Raises `NotFound` for an order that names an influencer whom nobody knows: a slip, and no reason to charge."""
    if order.influencer is not None and not influencers.is_known(order.influencer):
        raise NotFound()
