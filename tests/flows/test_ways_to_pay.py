"""By the year, with a card that is declined, with a bank that asks or takes days, with a code, or not at all."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.flows.conftest import Town
from tests.flows.people import Customer, Page

YEAR = datetime.now(UTC).year + 1
NOON = timedelta(hours=12)


@pytest.fixture(scope="module")
def starts_at() -> datetime:
    """The last day of a January, which most months do not have."""
    return month_end(YEAR, 1) + NOON


def month_end(year: int, month: int) -> datetime:
    """The last day of a month; months go on after 12."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return datetime(year, month, calendar.monthrange(year, month)[1], tzinfo=UTC)


def advance_to(town: Town, at: datetime) -> None:
    town.sandbox.advance(to=int(at.timestamp()))


def day(text: str) -> datetime:
    return datetime.fromisoformat(text[:10]).replace(tzinfo=UTC)


def cycle(town: Town, customer: Customer) -> dict[str, Any]:
    """The grant of the customer's present cycle or month."""
    (grant,) = (each for each in town.balance(customer)["grants"] if each["source"] == "cycle")
    return dict(grant)


# This story goes first: it needs the day on which the module's clock starts.
def test_cycles_end_on_the_last_of_each_month_when_bought_on_january_31__F096_F192(town: Town) -> None:
    yearly, monthly = town.customer("yearly@example.com"), town.customer("monthly@example.com")
    page = yearly.choose_plan("Premium", "year")
    assert "$290.00" in page
    assert "We added 1,200 credits to your account" in yearly.pay()
    monthly.choose_plan("Basic")
    monthly.pay()
    for number in range(1, 13):
        # A renewal needs its hour as a draft; a month of a year comes at once.
        advance_to(town, month_end(YEAR, number) + NOON + timedelta(hours=3))
        expected = month_end(YEAR, number + 1)
        for customer, credits in ((yearly, 1200), (monthly, 500)):
            grant = cycle(town, customer)
            assert (grant["granted"], grant["remaining"]) == (credits, credits)
            assert day(grant["expires_at"]) == expected
        assert day(town.subscription(monthly)["current_period_end"]) == expected
    assert town.entries(yearly).count(("CREDIT", "cycle", 1200)) == 12
    assert town.entries(yearly).count(("DEBIT", "expired", -1200)) == 11
    assert len(town.payments(yearly, "plan")) == 1
    assert len(town.payments(monthly, "plan")) == 12
    # Cancelled at its end, the year brings nothing more, and neither does the month.
    for customer in (yearly, monthly):
        customer.open("/subscriptions")
        customer.press("Cancel at the end of the period")
    advance_to(town, month_end(YEAR, 13) + NOON + timedelta(hours=3))
    for customer in (yearly, monthly):
        assert town.subscription(customer)["status"] == "canceled"
        assert town.balance(customer)["available"] == 60
        assert town.balance(customer)["plan"] == "free"


def test_says_that_a_card_is_declined_and_takes_the_next__F184(town: Town) -> None:
    eva = town.customer("declined@example.com")
    for choose in (lambda: eva.choose_pack("500 credits"), lambda: eva.choose_plan("Basic")):
        choose()
        page = eva.press("Pay with a card that is declined")
        assert "declined" in page
        assert page.path.startswith("/c/pay/")
        assert "Available 60 credits" in eva.open("/balance")
    # The way back into the same session, and a good card.
    session = eva.choose_pack("500 credits").session_id
    assert "We added 500 credits to your account" in eva.pay()
    assert eva.page.session_id == session
    assert town.entries(eva) == [("CREDIT", "signup", 60), ("PURCHASE", "pack", 500)]


def test_grants_only_after_the_bank_has_asked(town: Town) -> None:
    eva = town.customer("3ds@example.com")
    for choose, before in ((lambda: eva.choose_pack("500 credits"), 60), (lambda: eva.choose_plan("Basic"), 560)):
        choose()
        assert "Confirm your payment" in eva.press("Pay with a card that asks for confirmation")
        assert "unable to authenticate" in eva.press("Refuse")
        assert town.balance(eva)["balance"] == before
        eva.press("Pay with a card that asks for confirmation")
        assert "Thank you! It is paid." in eva.press("Confirm")
    town.sandbox.flush()
    assert town.entries(eva) == [
        ("CREDIT", "signup", 60),
        ("PURCHASE", "pack", 500),
        ("CREDIT", "cycle", 500),
    ]


@pytest.mark.parametrize(("outcome", "said"), [("succeeded", "It is paid"), ("failed", "did not go through")])
@pytest.mark.parametrize("what", ["pack", "plan"])
def test_waits_for_a_slow_bank__F105(town: Town, what: str, outcome: str, said: str) -> None:
    eva = town.customer(f"slow-{what}-{outcome}@example.com")
    eva.choose_pack("500 credits") if what == "pack" else eva.choose_plan("Basic")
    page = eva.press("Pay by bank debit")
    assert "Your payment is being confirmed" in page
    town.sandbox.flush()
    assert town.balance(eva)["balance"] == 60
    town.sandbox.settle(page.session_id, outcome)
    assert said in eva.open(f"/checkout/return?session_id={page.session_id}")
    assert town.balance(eva)["balance"] == (560 if outcome == "succeeded" else 60)
    assert town.balance(eva)["plan"] == ("basic" if (what, outcome) == ("plan", "succeeded") else "free")


def test_nothing_happens_when_the_payment_page_is_left(town: Town) -> None:
    eva = town.customer("left@example.com")
    page = eva.choose_pack("100 credits")
    session = page.session_id
    assert "You left the payment page. Nothing was charged." in eva.follow("Back without paying")
    assert "No payment has arrived yet" in landing(eva, session)
    # The next day the session is over, and another one is as good as the first.
    town.installation.advance(days=1, hours=1)
    assert "This payment page has expired" in landing(eva, session)
    assert town.entries(eva) == [("CREDIT", "signup", 60)]
    assert eva.choose_pack("100 credits").session_id != session
    assert "We added 100 credits to your account" in eva.pay()


def landing(customer: Customer, session: str) -> Page:
    return customer.open(f"/checkout/return?session_id={session}")


def test_grants_all_when_a_code_pays_everything(town: Town) -> None:
    stripe = town.sandbox.client.v1
    coupon = stripe.coupons.create({"percent_off": 100, "duration": "once"})
    stripe.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "GIFT"})
    eva = town.customer("code@example.com")
    for choose in (lambda: eva.choose_pack("500 credits"), lambda: eva.choose_plan("Basic")):
        choose()
        page = eva.press("Apply", promotion_code="GIFT")
        assert "$0.00" in page
        assert "We added 500 credits to your account" in eva.pay()
    town.sandbox.flush()
    assert town.entries(eva) == [
        ("CREDIT", "signup", 60),
        ("PURCHASE", "pack", 500),
        ("CREDIT", "cycle", 500),
    ]
    # Nothing was paid, so there is nothing to give back.
    for kind in ("pack", "plan"):
        payment = town.payment(eva, kind)
        assert (payment["amount_minor"], payment["refundable_minor"]) == (0, 0)


def test_customer_may_try_again_when_stripe_did_not_answer__F173_F176(town: Town) -> None:
    eva = town.customer("away@example.com")
    eva.open("/packs")
    town.sandbox.fault("drop", method="POST", path="/v1/checkout/sessions$", times=4)
    form = eva.page.form("Buy 500 credits")
    page = eva.send(form, "Buy 500 credits")
    assert page.status == 503
    assert "The payment provider does not answer" in page
    session = eva.choose_pack("500 credits").session_id
    assert "We added 500 credits to your account" in eva.pay()
    calls = [call for call in town.sandbox.calls("POST", "/v1/checkout/sessions") if call["status"] == 200]
    ours = [call for call in calls if call["params"].get("client_reference_id") == town.id_of(eva)]
    assert len(ours) == 5
    assert len({call["idempotency_key"] for call in ours}) == 1
    made = town.sandbox.client.v1.checkout.sessions.list({"customer": town.stripe_customer(eva)}).data
    assert [each.id for each in made] == [session]
