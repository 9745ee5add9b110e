"""R6: the same business key again finds what the first call did, and does nothing."""

from __future__ import annotations

import pytest

from billing import purchases, refunds, spending
from billing.money import MICRO
from tests.billing.ledger.acts import ACTOR, standing, told
from tests.factories import buy_pack, make_customer, make_grant, make_session, tell_dispute, tell_refund


def test_debit_with_the_same_source_is_one_entry(account: int) -> None:
    """F046."""
    make_grant(account, 100)
    order = spending.Order(amount=10 * MICRO)
    first = spending.debit(account, order, actor=ACTOR, source="app:key-1").entry.id
    assert [spending.debit(account, order, actor=ACTOR, source="app:key-1").entry.id for _ in range(5)] == [first] * 5
    assert standing(account) == (90, 90, 0, 0, 0)


def test_hold_with_the_same_source_is_one_hold_whatever_became_of_it(account: int) -> None:
    make_grant(account, 100)
    order, key = spending.Order(amount=10 * MICRO), {"actor": ACTOR, "source": "app:key-1"}
    first = spending.place_hold(account, order, **key)
    assert spending.place_hold(account, order, **key).id == first.id
    spending.void_hold(first.id)
    assert spending.place_hold(account, order, **key).status == "voided"
    assert standing(account) == (100, 100, 0, 0, 0)


def test_refund_of_a_debit_with_the_same_source_is_one_entry(account: int) -> None:
    make_grant(account, 100)
    spent = spending.debit(account, spending.Order(amount=10 * MICRO), actor=ACTOR).entry.id
    for _ in range(3):
        spending.refund_debit(spent, 4 * MICRO, actor=ACTOR, source="app:key-2")
    assert standing(account) == (94, 94, 0, 0, 0)


def test_pack_is_granted_once_by_its_session(account: int) -> None:
    session = make_session(account, 100, 1000)
    assert [purchases.fulfil_checkout(session) for _ in range(3)] == ["granted", "duplicate", "duplicate"]
    assert told(account) == [("PURCHASE", "pack", 100)]


def test_session_of_another_customer_is_foreign(account: int) -> None:
    session = make_session(account, 100, 1000)
    other = make_customer()
    stranger = make_session(other, 5, 100)
    assert purchases.fulfil_checkout(session.__class__(**{**_fields(session), "customer": stranger.customer})) == (
        "foreign"
    )
    assert told(account) == told(other) == []


def _fields(session: object) -> dict[str, object]:
    return {name: getattr(session, name) for name in session.__dataclass_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("times", [1, 3])
def test_refund_and_dispute_told_again_change_nothing(account: int, times: int) -> None:
    bought = buy_pack(account, 100)
    for _ in range(times):
        tell_refund(bought, 300, "succeeded", "re_once")
        tell_dispute(bought, "lost", 200, "dp_once")
    assert told(account)[1:] == [("REFUND", "payment_refunded", -30), ("REFUND", "dispute_lost", -20)]
    assert standing(account) == (50, 50, 0, 0, 0)


def test_older_status_of_a_refund_never_undoes_a_newer_one(account: int) -> None:
    bought = buy_pack(account, 100)
    refund = tell_refund(bought, 300, "succeeded")
    tell_refund(bought, 300, "pending", refund)
    assert standing(account) == (70, 70, 0, 0, 0)
    tell_refund(bought, 300, "failed", refund)
    tell_refund(bought, 300, "succeeded", refund)
    assert standing(account) == (100, 100, 0, 0, 0)
    assert refunds.pending_refunds() == []
