"""`/checkout/return`: what became of a payment, believed from Stripe and our own record only."""

from __future__ import annotations

import re

import pytest

from tests.stripe_world import Shop, environ  # noqa: F401
from tests.web.conftest import Visitor, text_of


def start(visitor: Visitor, **fields: str) -> str:
    """A pack's session, not yet paid."""
    return visitor.send("/packs/small/checkout", quantity="1", **fields).location.rpartition("/")[2]


def landed(visitor: Visitor, session: str, more: str = "") -> str:
    answer = visitor.see(f"/checkout/return?session_id={session}{more}")
    assert answer.status_code == 200
    return text_of(answer)


def test_landing_after_the_webhook_shows_the_credits(ana: Visitor, shop: Shop) -> None:
    session = start(ana)
    shop.sandbox.pay(session)
    page = landed(ana, session)
    assert "Thank you! It is paid. Pack: 100 credits" in page
    assert "We added 100 credits to your account." in page
    assert "Available now 100" in page


def test_landing_before_the_webhook_books_it_once(ana: Visitor, shop: Shop) -> None:
    shop.online = False
    session = start(ana)
    shop.sandbox.pay(session)
    assert "Thank you! It is paid." in landed(ana, session)
    shop.online = True
    for event in shop.events("checkout.session.completed"):
        shop.post(event)
    assert shop.balance(ana.account_id) == 100
    assert "Thank you! It is paid." in landed(ana, session), "looking again changes nothing"
    assert shop.balance(ana.account_id) == 100


def test_landing_on_a_plan_books_its_invoice(ana: Visitor, shop: Shop) -> None:
    shop.online = False
    session = ana.send("/plans/basic/checkout", interval="month").location.rpartition("/")[2]
    shop.sandbox.pay(session)
    page = landed(ana, session)
    assert "Plan Basic" in page
    assert "We added 500 credits to your account." in page


@pytest.mark.parametrize(("outcome", "said"), [("succeeded", "It is paid."), ("failed", "did not go through")])
def test_landing_waits_for_a_delayed_payment(
    ana: Visitor,
    shop: Shop,
    outcome: str,
    said: str,
) -> None:
    session = start(ana)
    shop.sandbox.pay(session, "delayed")
    answer = ana.see(f"/checkout/return?session_id={session}")
    assert "Your payment is being confirmed" in text_of(answer)
    refresh = re.search(r'http-equiv="refresh" content="2; url=([^"]+)"', answer.text)
    assert refresh, "it looks again without a script"
    assert refresh[1].replace("&amp;", "&") == f"/checkout/return?session_id={session}&look=1"
    assert 'http-equiv="refresh"' not in ana.see(f"/checkout/return?session_id={session}&look=10").text, "not for ever"
    assert shop.balance(ana.account_id) == 0
    shop.sandbox.settle(session, outcome)
    assert said in landed(ana, session)
    assert shop.balance(ana.account_id) == (100 if outcome == "succeeded" else 0)


def test_landing_without_paying_says_so_and_grants_nothing(ana: Visitor, shop: Shop) -> None:
    session = start(ana)
    assert "No payment has arrived yet" in landed(ana, session)
    shop.sandbox.client.v1.checkout.sessions.expire(session)
    shop.sandbox.flush()
    assert "This payment page has expired Nothing was charged." in landed(ana, session)
    assert shop.balance(ana.account_id) == 0


def test_landing_on_anothers_session_is_404_and_claims_nothing_f140(
    ana: Visitor,
    another: Visitor,
    shop: Shop,
) -> None:
    shop.online = False
    session = start(ana)
    shop.sandbox.pay(session)
    another.send("/register", email="eva@example.com", password="correct horse", locale="en")
    for _ in range(3):
        assert another.see(f"/checkout/return?session_id={session}").status_code == 404
    assert shop.balance(ana.account_id) == 0
    assert shop.balance(ana.account_id + 1) == 0


@pytest.mark.parametrize(
    "query", ["", "?session_id=", "?session_id=%00", "?session_id=../x", "?session_id=" + "x" * 5000]
)
def test_landing_on_no_session_is_404_f152(ana: Visitor, query: str) -> None:
    assert ana.see(f"/checkout/return{query}").status_code == 404


@pytest.mark.parametrize("look", ["x", "-5", "99999999999999999999", "1e9"])
def test_landing_takes_no_odd_count_amiss(ana: Visitor, shop: Shop, look: str) -> None:
    assert "No payment has arrived yet" in landed(ana, start(ana), f"&look={look}")


def test_landing_leads_back_to_the_task(ana: Visitor, shop: Shop) -> None:
    session = start(ana, return_path="/history?kind=DEBIT")
    shop.sandbox.pay(session)
    answer = ana.see(f"/checkout/return?session_id={session}")
    assert 'href="/history?kind=DEBIT"' in answer.text


def test_landing_ignores_a_way_back_that_leads_elsewhere_f138(ana: Visitor, shop: Shop) -> None:
    session = start(ana, return_path="//evil.test")
    shop.sandbox.pay(session)
    assert "evil.test" not in ana.see(f"/checkout/return?session_id={session}").text
