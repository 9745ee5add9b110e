"""A day at the desk: somebody is hired, a customer helped, money given back, a key made; all of it is on record."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo import Demo
from tests.browser.test_road import PASSWORD, available, pay, register

pytestmark = pytest.mark.browser


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/staff")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Find a customer")).to_be_visible()


def test_day_at_the_desk(demo: Demo, open_browser: Callable[..., Page]) -> None:
    # Somebody has bought a year, and wants the money back.
    eva = open_browser()
    register(eva, "year@example.com")
    eva.goto("/plans?interval=year")
    eva.get_by_role("button", name="Choose Basic").click()
    pay(eva, "Subscribe")
    expect(eva.get_by_role("heading", name="Thank you! It is paid.")).to_be_visible()

    # The admin finds them by a part of the address, and gives some credits for the trouble.
    admin = open_browser()
    sign_in(admin, *demo.staff)
    admin.get_by_label("E-mail, name, customer id").fill("year@")
    admin.get_by_role("button", name="Find").click()
    admin.get_by_role("row").filter(has_text="year@example.com").get_by_role("link").click()
    admin.get_by_role("link", name="Grant credits").click()
    admin.get_by_label("Credits").fill("25")
    admin.get_by_label("Why").fill("Sorry for the wait")
    admin.get_by_role("button", name="Grant", exact=True).click()
    expect(admin.get_by_role("main")).to_contain_text("Sorry for the wait")
    assert available(eva) == "585"

    # The refund: first what it would do, then the amount once more, because it is large.
    admin.get_by_role("link", name=re.compile("^Refund")).click()
    admin.get_by_label("Amount").fill("210")
    admin.get_by_label("Reason").select_option("requested_by_customer")
    admin.get_by_role("button", name="Preview").click()
    expect(admin.get_by_role("main")).to_contain_text("Nothing has changed yet")
    admin.get_by_role("button", name="Give $210.00 back").click()
    expect(admin.get_by_label("Type the amount once more")).to_have_attribute("aria-invalid", "true")
    assert available(eva) == "585"
    admin.get_by_label("Type the amount once more").fill("210")
    admin.get_by_role("button", name="Give $210.00 back").click()
    expect(admin.get_by_role("main")).to_contain_text("the credits have followed it")
    assert available(eva) == "85"

    # A key for an app is shown once; support, hired today, may not see keys at all.
    admin.get_by_role("navigation", name="Main").get_by_role("link", name="API keys").click()
    admin.get_by_label("App", exact=True).fill("new-app")
    admin.get_by_label("Read").first.check()
    admin.get_by_role("button", name="Make the key").click()
    secret = admin.get_by_label("Key of new-app").input_value()
    assert len(secret) > 20
    admin.goto("/staff/keys")
    expect(admin.get_by_role("main")).to_contain_text("new-app")
    expect(admin.get_by_role("main")).not_to_contain_text(secret)

    link = re.search(r"https?://\S+", demo.flask("staff", "add", "sam@example.com", "--role", "support"))
    assert link
    sam = open_browser()
    sam.goto(link[0])
    sam.get_by_label("Password", exact=True).fill(PASSWORD)
    sam.get_by_label("Password again").fill(PASSWORD)
    sam.get_by_role("button", name="Set password and sign in").click()
    expect(sam.get_by_role("heading", name="Find a customer")).to_be_visible()
    expect(sam.get_by_role("link", name="API keys")).to_have_count(0)
    assert sam.goto("/staff/keys").status in (403, 404)  # type: ignore[union-attr]

    # The inbox has Stripe's events, and one can be run again without doing anything twice.
    admin.get_by_role("navigation", name="Main").get_by_role("link", name="Webhooks").click()
    admin.get_by_role("row").filter(has_text="invoice.paid").first.get_by_role("link").first.click()
    admin.get_by_role("button", name="Run again").click()
    assert available(eva) == "85"

    # All of it is on record.
    admin.get_by_role("navigation", name="Main").get_by_role("link", name="Audit log").click()
    record = admin.get_by_role("main")
    for act in ("Credits granted", "Refund", "API key made", "Event run again"):
        expect(record).to_contain_text(act)
    assert "right" in demo.flask("ledger", "audit")
