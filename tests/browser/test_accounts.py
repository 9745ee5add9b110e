"""A customer's account from its first mail to its end; the demo writes its mails into the log of its worker."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo import Demo
from tests.browser.screenshots import customer_of
from tests.browser.test_accessibility import findings
from tests.browser.test_road import PASSWORD, register

pytestmark = pytest.mark.browser

NEW = "another horse entirely"


def link_for(demo: Demo, address: str, path: str) -> str:
    """The newest link below `path` that was mailed to an address; the worker sends within seconds."""
    log = demo.folder / "instance" / "log" / "worker.log"
    for _ in range(100):
        mails = re.findall(rf"--- mail to {re.escape(address)}:.*?\n---", log.read_text(), flags=re.DOTALL)
        links = [link for mail in mails for link in re.findall(rf"{demo.url}({path}\S+)", mail)]
        if links:
            return str(links[-1])
        time.sleep(0.2)
    raise AssertionError(f"no mail with {path} came for {address}")


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_account_from_its_first_mail_to_its_end(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    register(page, "mara@example.com")

    # The address is proven on another device, where nobody is signed in.
    phone = open_browser(width=320)
    phone.goto(link_for(demo, "mara@example.com", "/confirm-email/"))
    assert findings(phone) == []
    phone.get_by_role("button", name="Confirm e-mail address").click()
    expect(phone.get_by_text("Your e-mail address is confirmed.")).to_be_visible()

    # A forgotten password: a new one by mail ends the session on the first device.
    phone.get_by_role("link", name="Forgot your password?").click()
    phone.get_by_label("E-mail address").fill("mara@example.com")
    phone.get_by_role("button", name="Send the link").click()
    expect(phone.get_by_role("heading", name="Look into your mail")).to_be_visible()
    assert findings(phone) == []
    phone.goto(link_for(demo, "mara@example.com", "/reset-password/"))
    assert findings(phone) == []
    phone.get_by_label("New password", exact=True).fill(NEW)
    phone.get_by_label("New password again").fill(NEW)
    phone.get_by_role("button", name="Save and sign in").click()
    expect(phone.get_by_role("heading", name="Balance", exact=True)).to_be_visible()
    page.goto("/balance")
    expect(page).to_have_url(re.compile("/login"))
    sign_in(page, "mara@example.com", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    sign_in(page, "mara@example.com", NEW)

    # Another address, and everything that is known to take along.
    page.goto("/settings")
    page.get_by_label("New e-mail address").fill("mara.new@example.com")
    page.locator("#email_password").fill(NEW)
    page.get_by_role("button", name="Send the link").click()
    page.goto(link_for(demo, "mara.new@example.com", "/change-email/"))
    page.get_by_role("button", name="Confirm e-mail address").click()
    expect(page.get_by_text("You sign in as mara.new@example.com.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download your data").click()
    assert download.value.suggested_filename.startswith("saldo-data-")

    # The end of it.
    page.get_by_role("link", name="Delete your account").click()
    assert findings(page) == []
    page.get_by_label("Current password").fill(NEW)
    page.get_by_label("Yes, delete my account for good").check()
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_text("Your account is deleted.")).to_be_visible()
    sign_in(page, "mara.new@example.com", NEW)
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    demo.flask("ledger", "audit")


def test_app_lets_its_customer_in_by_a_link(demo: Demo, open_browser: Callable[..., Page]) -> None:
    demo.api("customers", {"id": "user-42", "name": "Uma"})
    url = demo.api("portal-sessions", {"customer": "user-42", "return_path": "/packs"})["url"]
    page = open_browser()
    page.goto(url)
    expect(page.get_by_role("main")).to_contain_text("You go on as Uma")
    assert findings(page) == []
    page.get_by_role("button", name="Continue").press("Enter")
    expect(page).to_have_url(re.compile(r"/packs$"))
    page.goto(url)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    page.goto("/settings")
    expect(page.get_by_role("main")).to_contain_text("user-42")
    expect(page.get_by_role("heading", name="Change password")).to_have_count(0)


def test_settings_follow_the_reader(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    register(page, "lola@example.com")
    page.goto("/settings")
    page.get_by_role("button", name="Send the mail again").click()
    page.goto("/settings")
    page.get_by_label("Name").fill("Lola")
    page.get_by_label("Language").select_option("es_MX")
    page.get_by_role("main").get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Ajustes")).to_be_visible()
    page.get_by_role("contentinfo").get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.locator("#current_password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    page.get_by_text("Menu", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, "lola@example.com", NEW)
    expect(page.get_by_role("heading", name="Balance", exact=True)).to_be_visible()

    # Cards and receipts are on Stripe's pages, which lead back.
    page.goto("/packs")
    page.get_by_role("button", name="Buy 100 credits").click()
    page.get_by_role("button", name=re.compile("^Pay ")).first.click()
    page.goto("/payments")
    page.get_by_role("button", name="Invoices and receipts").click()
    expect(page).not_to_have_url(re.compile(re.escape(demo.url)))


def test_customer_takes_their_records_along(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    page.clock.install()
    register(page, "rita@example.com")
    page.goto("/packs")
    page.get_by_role("button", name="Buy 100 credits").click()
    page.get_by_role("button", name=re.compile("^Pay ")).first.click()
    expect(page.get_by_role("heading", name="Thank you! It is paid.")).to_be_visible()
    customer = customer_of(page)
    page.get_by_role("link", name="Balance").first.click()
    expect(page.locator("[data-balance]")).to_contain_text("160")

    # An app works for her meanwhile; the page that lies open follows by itself.
    scene = {"customer": customer, "action": "video", "units": 5, "reference": "films/scene 1?take=2"}
    spent = demo.api("debits", scene, key="records")
    page.clock.run_for(21_000)
    left = f"{160 - float(spent['amount']):g}"
    expect(page.locator("[data-balance]")).to_contain_text(left)

    # The app's own link leads to the job's record.
    page.goto("/usage/jobs?reference=films%2Fscene+1%3Ftake%3D2")
    expect(page.get_by_role("main")).to_contain_text("films/scene 1?take=2")

    # All of it as files, which say what the pages say.
    page.goto("/history")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV for spreadsheets").click()
    assert download.value.suggested_filename.startswith("saldo-history-")
    assert "films/scene 1?take=2" in download.value.path().read_text()
    page.get_by_role("link", name="Usage").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    assert download.value.suggested_filename.startswith("saldo-usage-")
    assert "films/scene 1?take=2" in download.value.path().read_text()
    page.get_by_role("link", name="Payments").first.click()
    page.get_by_role("link", name=re.compile("^Receipt")).click()
    expect(page).not_to_have_url(re.compile(re.escape(demo.url)))
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
