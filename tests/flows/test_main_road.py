"""The main road: buy, be granted, see it, get it back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tests.flows.conftest import Town


def test_main_road_from_registering_to_a_refund__F075_F096_F117(town: Town) -> None:
    eva = town.customer("eva@example.com", "Eva Example")
    assert "Available 60 credits" in eva.page
    assert eva.page.row("Welcome credits")[-1] == "never expires"

    # A plan, month by month.
    page = eva.choose_plan("Basic")
    assert "Basic" in page
    assert "$15.00" in page
    page = eva.pay()
    assert "Thank you! It is paid." in page
    assert "We added 500 credits to your account" in page
    page = eva.follow("To my balance")
    assert "Available 560 credits" in page
    assert "Next expiry: 500 credits" in page
    assert len(page.rows) == 3  # heads, two grants
    assert page.row("Credits of your subscription · Basic")[-1] != "never expires"

    # A pack, its rule for expiry said before paying.
    page = eva.open("/packs")
    assert "Valid for 365 days from the purchase" in page
    eva.choose_pack("100 credits")
    assert "We added 100 credits to your account" in eva.pay()
    assert town.balance(eva)["available"] == 660

    # An influencer; a second subscription to the same one is refused before Stripe hears of it.
    tab = eva.open("/influencers/luna-style").form("Subscribe: Basic")
    eva.choose_influencer("luna-style", "Basic")
    assert "We added 50 credits to your account, to spend with Luna Style" in eva.pay()
    called = len(town.sandbox.calls("POST"))
    page = eva.send(tab, "Subscribe: Basic")
    assert page.status == 409
    assert "You already have this subscription" in page
    assert len(town.sandbox.calls("POST")) == called
    eva.choose_influencer("nico-trail", "Basic")
    eva.pay()
    page = eva.follow("My subscriptions")
    assert "Luna Style Active Influencer · Basic · monthly Next charge $9.99" in page
    assert "Together $32.98 a month." in page
    access = town.installation.api(f"customers/{town.id_of(eva)}/access/luna-style")
    assert (access["access"], access["tier"]) == (True, "basic")
    assert town.balance(eva)["scoped"] == {"luna-style": 710, "nico-trail": 700}

    # Cancel keeps both to the end of the period, and undo works.
    for name in ("Luna Style", "Basic"):
        page = eva.press("Cancel at the end of the period", under=name)
        assert f"{name} Cancelled, ends soon" in page
        page = eva.press("Undo the cancellation", under=name)
        assert f"{name} Active" in page

    # A month on: new credits, the old cycle's rest is gone, the pack is untouched.
    moved = town.installation.flask("sandbox", "advance", "31")
    assert moved.returncode == 0, moved.stderr
    page = eva.open("/balance")
    assert page.row("Credit pack · 100 credits")[1:3] == ["100", "100"]
    assert page.row("Credits of your subscription · Basic")[1:3] == ["500", "500"]
    assert town.balance(eva)["available"] == 660
    assert sorted(town.entries(eva)) == sorted(
        [
            ("CREDIT", "signup", 60),
            ("PURCHASE", "pack", 100),
            *[("CREDIT", "cycle", 500), ("CREDIT", "cycle", 50), ("CREDIT", "cycle", 40)] * 2,
            *[("DEBIT", "expired", -500), ("DEBIT", "expired", -50), ("DEBIT", "expired", -40)],
        ]
    )

    # History: newest first, with a running balance that ends where the balance is.
    page = eva.open("/history")
    lines = [(number(row[2]), number(row[3])) for row in page.rows[1:]]
    assert len(lines) == 11
    assert lines[0][1] == town.balance(eva)["balance"]
    assert lines[-1] == (60, 60)
    assert all(after == before + amount for (amount, after), (_, before) in pairwise(lines))
    page = eva.press("Filter", kind="PURCHASE")
    assert [row[1:] for row in page.rows[1:]] == [["Credit pack 100 credits", "+100", "660"]]
    day = f"{town.installation.now():%Y-%m-%d}"
    assert "Nothing to show" in eva.press("Filter", kind="PURCHASE", **{"from": day, "to": day})

    # Staff find the customer by whatever they have in their hands.
    sam = town.hire("sam@example.com")
    pack = town.payment(eva)
    luna = town.subscription(eva, "plan")["stripe_id"]
    for wanted in (
        "eva@example.com",
        "Eva Exam",
        town.id_of(eva),
        town.stripe_customer(eva),
        luna,
        pack["stripe"]["payment_intent"],
        charge_of(town, pack),
        pack["stripe"]["checkout_session"],
        town.payments(eva, "plan")[0]["stripe"]["invoice"],
    ):
        assert "Eva Example" in sam.open_customer(wanted), wanted
    assert "Nobody found" in sam.find("cus_nobody")

    # They give the pack back: previewed, done, followed to its end.
    page = sam.preview_refund(pack["id"])
    for figure in ("Money back $4.99", "Credits taken back 100", "Debt that this makes 0", "Balance after 650"):
        assert figure in page
    assert town.sandbox.calls("POST", "/v1/refunds") == []
    page = sam.press("Give $4.99 back")
    assert "Done" in page
    (refund,) = town.sandbox.client.v1.refunds.list().data
    assert (refund.amount, refund.status, refund.payment_intent) == (499, "succeeded", pack["stripe"]["payment_intent"])
    (call,) = town.sandbox.calls("POST", "/v1/refunds")
    assert call["idempotency_key"]
    town.sandbox.flush()
    entries = town.installation.api(f"customers/{town.id_of(eva)}/entries", kind="REFUND")["data"]
    (bought,) = town.installation.api(f"customers/{town.id_of(eva)}/entries", kind="PURCHASE")["data"]
    (taken,) = entries
    assert (taken["reason"], taken["amount"], taken["reverses"]) == ("payment_refunded", -100, bought["id"])
    assert town.payment(eva)["status"] == "refunded"
    assert refund.id in sam.open_customer(refund.id)
    audit = town.installation.flask("ledger", "audit")
    assert audit.returncode == 0, audit.stdout


def test_history_has_older_pages(town: Town) -> None:
    ada = town.customer("ada@example.com")
    ada.choose_pack("100 credits")
    ada.pay()
    for number_ in range(26):
        town.installation.command("credits", "add", town.id_of(ada), "1", "--description", f"gift {number_}")
    page = ada.open("/history")
    first = [row[1] for row in page.rows[1:]]
    second = [row[1] for row in ada.follow("Older entries").rows[1:]]
    assert len(first) == 25
    assert len(second) == 3
    assert not set(first) & set(second)
    assert "gift 25" in first[0]
    assert "Welcome credits" in second[-1]


def charge_of(town: Town, payment: dict[str, Any]) -> str:
    """The id that a bank statement or a dispute would name."""
    intent = town.sandbox.client.v1.payment_intents.retrieve(payment["stripe"]["payment_intent"])
    assert isinstance(intent.latest_charge, str)
    return intent.latest_charge


def number(text: str) -> float:
    """A number as the pages write it."""
    return float(text.replace("−", "-").replace("+", "").replace(",", ""))
