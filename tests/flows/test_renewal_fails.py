"""A renewal that is declined: what was granted stays a while, and what is paid late is granted once."""

from __future__ import annotations

from datetime import timedelta

from tests.flows.conftest import Town
from tests.flows.people import Customer


def advance_to_renewal(town: Town, customer: Customer, days_after: int = 0) -> None:
    """To the end of the plan's period and the hour after it in which Stripe charges, and some days on."""
    with_hour = timedelta(days=days_after, hours=2)
    ends_at = town.time(town.subscription(customer)["current_period_end"])
    town.sandbox.advance(to=int((ends_at + with_hour).timestamp()))


def test_paid_three_days_later_is_granted_once__F103_F198(town: Town) -> None:
    eva = town.customer("late@example.com")
    eva.choose_plan("Basic")
    eva.pay()
    eva.choose_influencer("luna-style", "Basic")
    eva.pay()
    card = f"customers/{town.stripe_customer(eva)}/card"
    town.sandbox.control(card, {"behaviour": "decline"})
    paid_until = town.subscription(eva, "influencer")["current_period_end"]
    advance_to_renewal(town, eva)

    # Past due is shown; the old credits may still be spent, nothing new has come, and access has its grace.
    assert "Payment overdue" in eva.open("/subscriptions")
    assert "The last payment did not go through." in eva.page
    assert town.subscription(eva)["status"] == "past_due"
    assert town.balance(eva)["available"] == 560
    assert town.balance(eva)["scoped"] == {"luna-style": 610}
    assert ("DEBIT", "expired", -500) not in town.entries(eva)
    access = town.installation.api(f"customers/{town.id_of(eva)}/access/luna-style")
    assert access["access"]
    assert town.time(access["until"]) == town.time(paid_until) + timedelta(days=3)

    # Three days later Stripe tries again, and it is paid.
    town.sandbox.control(card, {"behaviour": "ok"})
    town.installation.advance(days=3)
    assert town.subscription(eva)["status"] == "active"
    assert "Payment overdue" not in eva.open("/subscriptions")
    assert town.balance(eva)["available"] == 560
    cycles = [entry for entry in town.entries(eva) if entry[2] in (500, -500)]
    assert cycles == [("CREDIT", "cycle", 500), ("CREDIT", "cycle", 500), ("DEBIT", "expired", -500)]
    access = town.installation.api(f"customers/{town.id_of(eva)}/access/luna-style")
    assert access["access"]
    assert town.time(access["until"]) > town.installation.now() + timedelta(days=20)


def test_paid_never_ends_everything_in_its_time__F103_F106(town: Town) -> None:
    eva = town.customer("never@example.com")
    eva.choose_plan("Basic")
    eva.pay()
    eva.choose_influencer("luna-style", "Basic")
    eva.pay()
    town.sandbox.control(f"customers/{town.stripe_customer(eva)}/card", {"behaviour": "decline"})
    advance_to_renewal(town, eva, days_after=4)
    # The influencer's three days of grace are over, the plan's seven are not.
    assert not town.installation.api(f"customers/{town.id_of(eva)}/access/luna-style")["access"]
    assert town.balance(eva)["available"] == 560
    town.installation.advance(days=4)
    assert town.balance(eva)["available"] == 60
    assert town.balance(eva)["scoped"] == {}
    assert town.subscription(eva)["status"] == "past_due"
    # Stripe gives up; the customer is on the free plan again, and may choose another.
    town.installation.advance(days=10)
    assert town.subscription(eva)["status"] == "canceled"
    assert town.balance(eva)["plan"] == "free"
    assert [entry for entry in town.entries(eva) if entry[0] == "CREDIT"] == [
        ("CREDIT", "signup", 60),
        ("CREDIT", "cycle", 500),
        ("CREDIT", "cycle", 50),
    ]
    eva.choose_plan("Premium")
    assert "We added 1,200 credits to your account" in eva.pay()


def test_paid_by_a_new_card_in_the_portal_is_granted_once__F103(town: Town) -> None:
    eva = town.customer("portal@example.com")
    eva.choose_plan("Basic")
    eva.pay()
    town.sandbox.control(f"customers/{town.stripe_customer(eva)}/card", {"behaviour": "decline"})
    advance_to_renewal(town, eva)
    eva.open("/subscriptions")
    assert eva.press("Cards, invoices and receipts").path.startswith("/p/session/")
    eva.press("Store card", card="ok")
    eva.press("Pay ")
    page = eva.follow("Back to the shop")
    town.sandbox.flush()
    assert page.path == "/subscriptions"
    assert "Payment overdue" not in eva.open("/subscriptions")
    assert town.balance(eva)["available"] == 560
    # What Stripe would have tried by itself later comes to nothing.
    town.installation.advance(days=20)
    assert town.entries(eva) == [
        ("CREDIT", "signup", 60),
        ("CREDIT", "cycle", 500),
        ("CREDIT", "cycle", 500),
        ("DEBIT", "expired", -500),
    ]
