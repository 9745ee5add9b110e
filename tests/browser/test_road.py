"""The main road, as a new customer walks it: real HTTP, gunicorn, the sandbox, a real Chromium, both engines."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo import Demo
from tests.browser.test_accessibility import findings

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


def register(page: Page, email: str) -> None:
    page.goto("/register")
    page.get_by_label("Name (optional)").fill("Eva Example")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Balance", exact=True)).to_be_visible()


def pay(page: Page, button: str) -> None:
    """On the sandbox's payment page, press the button and come back."""
    expect(page).to_have_url(re.compile(r"/c/pay/cs_test_"))
    page.get_by_role("button", name=re.compile(button)).first.click()


def available(page: Page) -> str:
    page.goto("/balance")
    return page.locator(".figure").first.inner_text().split()[0]


def test_road_from_registering_to_the_second_month(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    register(page, "road@example.com")
    assert available(page) == "60"

    # A plan, month by month.
    page.get_by_role("link", name="See plans").first.click()
    page.get_by_role("button", name="Choose Basic").click()
    pay(page, "Subscribe")
    expect(page.get_by_role("heading", name="Thank you! It is paid.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("We added 500 credits to your account")
    expect(page.locator("[data-balance]")).to_have_text(re.compile("560"))
    page.get_by_role("link", name="To my balance").click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("560 credits")
    expect(main).to_contain_text("Next expiry: 500 credits")
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.filter(has_text="Credits of your subscription · Basic")).to_have_count(1)
    expect(rows.filter(has_text="Welcome credits")).to_contain_text("never expires")
    page.goto("/plans")
    expect(page.get_by_role("listitem").filter(has=page.get_by_text("Your plan", exact=True))).to_contain_text("Basic")
    expect(page.get_by_role("button", name="Choose Premium")).to_have_count(0)

    # A pack, its rule for expiry said before paying.
    page.goto("/packs")
    small = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="100 credits", exact=True))
    expect(small).to_contain_text("Valid for 365 days from the purchase")
    small.get_by_label("How many").fill("2")
    small.get_by_role("button", name="Buy 100 credits").click()
    pay(page, "Pay ")
    expect(page.get_by_role("main")).to_contain_text("We added 200 credits to your account")
    assert available(page) == "760"

    # An influencer: access, cancel, undo; no second subscription to the same one.
    page.goto("/influencers")
    page.get_by_role("link", name="Luna Style").click()
    page.get_by_role("button", name="Subscribe: Basic").click()
    pay(page, "Subscribe")
    expect(page.get_by_role("main")).to_contain_text("Luna Style · Basic")
    page.get_by_role("main").get_by_role("link", name="My subscriptions").click()
    luna = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Luna Style"))
    expect(luna).to_contain_text("Active")
    expect(luna).to_contain_text("$9.99")
    expect(page.get_by_role("main")).to_contain_text("Together $24.99 a month.")
    luna.get_by_text("Cancel Luna Style").click()
    luna.get_by_role("button", name="Cancel at the end of the period").click()
    expect(luna).to_contain_text("Renewal is off. You keep access until")
    expect(page.get_by_role("main")).to_contain_text("Together $15.00 a month.")
    luna.get_by_role("button", name="Undo the cancellation").click()
    expect(luna).to_contain_text("Active")
    page.goto("/influencers/luna-style")
    expect(page.get_by_role("main")).to_contain_text("You are subscribed (Basic).")
    expect(page.get_by_role("button", name="Subscribe: Premium")).to_have_count(0)

    # A month on: new credits, the old cycle's rest is gone, the pack is untouched.
    assert "It is now" in demo.flask("sandbox", "advance", "31")
    page.goto("/balance")
    expect(rows.filter(has_text="Credits of your subscription · Basic")).to_have_count(1)
    expect(rows.filter(has_text="Credit pack")).to_contain_text("200")
    assert available(page) == "760"

    # History: newest first, in plain words, with a running balance that ends where the balance is.
    page.goto("/history")
    table = page.get_by_role("table")
    expect(table).to_contain_text("Expired")
    amounts = [_number(text) for text in table.locator("td:nth-child(3)").all_inner_texts()]
    after = [_number(text) for text in table.locator("td:nth-child(4)").all_inner_texts()]
    assert all(after[n] == after[n + 1] + amounts[n] for n in range(len(after) - 1))
    assert after[-1] == amounts[-1] == 60
    page.get_by_label("Show").select_option(label="Bought")
    page.get_by_role("button", name="Filter").click()
    expect(table.get_by_role("row")).to_have_count(2)
    assert "no violations" in demo.flask("ledger", "audit").lower() or demo.flask("ledger", "audit")

    # Signing out ends the session; the balance is not shown to whoever comes next.
    page.get_by_text("Menu", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/balance")
    expect(page).to_have_url(re.compile(r"/login\?next="))


def _number(text: str) -> float:
    return float(text.replace("−", "-").replace("+", "").replace(",", ""))


def test_road_works_without_scripts(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser(java_script_enabled=False)
    register(page, "plain@example.com")
    page.goto("/plans")
    page.get_by_label("Yearly").check()
    page.get_by_role("button", name="Show prices").click()
    expect(page.get_by_role("main")).to_contain_text("$290.00 a year")
    page.get_by_role("button", name="Choose Premium").click()
    pay(page, "Subscribe")
    expect(page.get_by_role("heading", name="Thank you! It is paid.")).to_be_visible()
    assert available(page) == "1,260"


def test_road_says_what_happened_when_it_is_not_paid(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    register(page, "unpaid@example.com")

    # Left without paying.
    page.goto("/packs")
    buy = page.get_by_role("button", name="Buy 500 credits", exact=True)
    buy.click()
    page.get_by_role("link", name="Back without paying").click()
    expect(page.get_by_role("main")).to_contain_text("You left the payment page. Nothing was charged.")

    # A declined card, then a good one in the same session.
    buy.click()
    pay(page, "declined")
    expect(page.get_by_role("main")).to_contain_text("declined")
    assert available(page) == "60"
    page.goto("/packs")
    buy.click()
    pay(page, "Pay \\$")
    expect(page.get_by_role("heading", name="Thank you! It is paid.")).to_be_visible()
    assert available(page) == "560"


@pytest.mark.parametrize(("outcome", "credits"), [("succeeded", "560"), ("failed", "60")])
def test_road_waits_for_a_slow_bank(demo: Demo, open_browser: Callable[..., Page], outcome: str, credits: str) -> None:
    page = open_browser()
    register(page, f"slow-{outcome}@example.com")
    page.goto("/packs")
    page.get_by_role("button", name="Buy 500 credits", exact=True).click()
    pay(page, "bank debit")
    expect(page.get_by_role("heading", name="Your payment is being confirmed")).to_be_visible()
    assert not findings(page)
    session = re.search(r"session_id=(cs_\w+)", page.url)
    assert session
    demo.sandbox(f"sessions/{session[1]}/settle", {"outcome": outcome})
    demo.sandbox("webhooks/flush", {"retries": True})
    # The page has been looking by itself meanwhile.
    said = "Thank you! It is paid." if outcome == "succeeded" else "The payment did not go through"
    expect(page.get_by_role("heading", name=said)).to_be_visible(timeout=15_000)
    assert not findings(page)
    assert available(page) == credits


def test_road_shows_a_late_payment_and_how_to_put_it_right(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    register(page, "late@example.com")
    page.goto("/plans")
    page.get_by_role("button", name="Choose Basic").click()
    pay(page, "Subscribe")
    expect(page.get_by_role("heading", name="Thank you! It is paid.")).to_be_visible()
    expect(page.get_by_text("Your last payment did not go through.")).to_have_count(0)

    # The card stops working: the renewal fails, the old credits stay, the banner says what to do.
    [sent] = [each for each in demo.sandbox("calls?method=POST&path=/v1/checkout/sessions")["data"][-1:]]
    customer = sent["params"]["customer"]
    demo.sandbox(f"customers/{customer}/card", {"behaviour": "decline"})
    demo.flask("sandbox", "advance", "31")
    page.goto("/plans")
    expect(page.get_by_text("Your last payment did not go through.")).to_be_visible()
    page.goto("/subscriptions")
    expect(page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Basic"))).to_contain_text(
        "Payment overdue"
    )

    # A new card in the portal pays the open invoice, and grants once.
    page.get_by_role("button", name="Update payment details").click()
    expect(page).to_have_url(re.compile(r"/p/session/"))
    page.get_by_role("button", name="Store card").click()
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    demo.sandbox("webhooks/flush", {"retries": True})
    page.goto("/subscriptions")
    expect(page.get_by_role("main")).to_contain_text("Active")
    expect(page.get_by_text("Your last payment did not go through.")).to_have_count(0)
    assert available(page) == "560"
