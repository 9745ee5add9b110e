"""Credits by hand: with a reason, within the role's limit, once, and written down."""

from __future__ import annotations

import pytest

from billing import accounts
from billing.db import db
from billing.ledger import history
from billing.money import MICRO
from tests.staff.conftest import Desk, audit_rows, text_of
from tests.stripe_world import Shop

ASKED = {"amount": "100", "description": "Sorry for the outage", "last_day": "", "form_token": "t" * 32}
PATH = "/staff/customers/ada/grant"


@pytest.fixture
def ada(shop: Shop) -> int:
    return shop.customer()


def test_grants_with_actor_and_reason__F136(desk: Desk, shop: Shop, ada: int) -> None:
    answer = desk.send(PATH, **ASKED)
    assert answer.headers["Location"] == "/staff/customers/ada"
    (entry,) = history.list_entries(ada).entries
    assert (entry.kind, entry.reason, entry.amount) == ("CREDIT", "staff", 100 * MICRO)
    assert (entry.actor, entry.description) == (desk.staff.actor, "Sorry for the outage")
    assert audit_rows() == [(desk.staff.actor, "grant", True)]


def test_refuses_without_a_reason__F136(desk: Desk, shop: Shop, ada: int) -> None:
    for description in ("", "   ", "x" * 501):
        assert desk.send(PATH, **{**ASKED, "description": description}).status_code == 422
    assert shop.entries(ada) == []


def test_refuses_more_than_the_role_may_give__F136(desk: Desk, admin: Desk, shop: Shop, ada: int) -> None:
    answer = desk.send(PATH, **{**ASKED, "amount": "1000.000001"})
    assert answer.status_code == 403
    assert "up to 1,000 credits" in text_of(answer)
    assert shop.entries(ada) == []
    assert audit_rows() == [(desk.staff.actor, "grant", False)]
    assert desk.send(PATH, **{**ASKED, "amount": "1,000"}).status_code == 303
    assert admin.send(PATH, **{**ASKED, "amount": "20,000", "form_token": "u" * 32}).status_code == 303
    assert shop.entries(ada) == [1000, 20000]


def test_grants_once_for_a_form_sent_twice(desk: Desk, shop: Shop, ada: int) -> None:
    assert [desk.send(PATH, **ASKED).status_code for _ in range(2)] == [303, 303]
    assert shop.entries(ada) == [100]
    assert len(audit_rows()) == 1


def test_lets_credits_last_through_their_last_day(desk: Desk, shop: Shop, ada: int) -> None:
    desk.send(PATH, **{**ASKED, "last_day": "2099-12-31"})
    (grant,) = accounts.read_balance(ada).grants
    assert grant.expires_at is not None
    assert grant.expires_at.isoformat() == "2100-01-01T00:00:00+00:00"


@pytest.mark.parametrize("day", ["2020-01-01", "2025-02-30", "tomorrow", "9999-12-31", "0001-01-01"])
def test_refuses_a_day_that_cannot_be_the_last(desk: Desk, shop: Shop, ada: int, day: str) -> None:
    assert desk.send(PATH, **{**ASKED, "last_day": day}).status_code == 422
    assert shop.entries(ada) == []


@pytest.mark.parametrize("amount", ["", "0", "-1", "0.0000001", "1e400", "NaN", "five", "9" * 400, "1.000,5"])
def test_refuses_an_amount_that_is_none(desk: Desk, shop: Shop, ada: int, amount: str) -> None:
    assert desk.send(PATH, **{**ASKED, "amount": amount}).status_code == 422
    assert shop.entries(ada) == []


@pytest.mark.parametrize("token", ["", "short", "t" * 33, "ü" * 32])
def test_refuses_a_form_without_its_token(desk: Desk, shop: Shop, ada: int, token: str) -> None:
    assert desk.send(PATH, **{**ASKED, "form_token": token}).status_code == 422
    assert shop.entries(ada) == []


def test_reads_numbers_as_they_are_written_in_spain(desk: Desk, shop: Shop, ada: int) -> None:
    desk.client.set_cookie("locale", "es")
    assert desk.send(PATH, **{**ASKED, "amount": "1.000,5"}).status_code == 403
    assert desk.send(PATH, **{**ASKED, "amount": "10,5"}).status_code == 303
    db.session.rollback()
    assert accounts.read_balance(ada).balance == 10_500_000


def test_refuses_a_nul_in_any_field(desk: Desk, shop: Shop, ada: int) -> None:
    assert desk.send(PATH, **{**ASKED, "description": "a\x00b"}).status_code == 400
    assert shop.entries(ada) == []
