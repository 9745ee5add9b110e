"""A day at the desk: somebody is hired, a customer helped, money given back, a key made; all of it is on record."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from billing.second_factor import STEP_SECONDS, code_at
from tests.browser.demo import Demo, running
from tests.browser.test_road import PASSWORD, available, pay, register

pytestmark = pytest.mark.browser

SQUARE = {"x": 0, "y": 0, "width": 200, "height": 200}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One engine is enough for what people see; nobody may give more than $100 back alone."""
    with running(tmp_path_factory.mktemp("demo") / "saldo", REFUND_ALONE_MAX="10000") as demo:
        yield demo


def hire(demo: Demo, page: Page, email: str, role: str) -> None:
    """Somebody new opens the link that `flask staff add` prints, and sets a password."""
    link = re.search(r"https?://\S+", demo.flask("staff", "add", email, "--role", role))
    assert link
    page.goto(link[0])
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.get_by_role("heading", name="Find a customer")).to_be_visible()


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/staff")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Find a customer")).to_be_visible()


def ask(page: Page, amount: str, *, slip: bool = False) -> None:
    """On a customer's page, ask to give so many dollars of their payment back; a `slip` forgets to type them twice."""
    customer = page.url
    page.get_by_role("link", name=re.compile("^Refund")).first.click()
    page.get_by_label("Amount").fill(amount)
    page.get_by_label("Reason").select_option("requested_by_customer")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("main")).to_contain_text("Nothing has changed yet")
    if slip:
        page.get_by_role("button", name=re.compile("^Ask to give")).click()
        expect(page.get_by_label("Type the amount once more")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Type the amount once more").fill(amount)
    page.get_by_role("button", name=re.compile("^Ask to give")).click()
    expect(page.get_by_role("main")).to_contain_text("until somebody else approves it")
    page.goto(customer)


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

    # Some of it is spent. Two refunds are asked for: first what each would do, then the amount, because it is large.
    customer = re.search(r"/staff/customers/(web_\w+)", admin.url)
    assert customer
    demo.api("debits", {"customer": customer[1], "amount": 100}, key="staff-day")
    ask(admin, "150")
    ask(admin, "210", slip=True)
    expect(admin.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    assert available(eva) == "85"  # what the refunds would take rests until somebody decides

    # A manager, hired today, is the second person: she turns one down and approves the other.
    mia = open_browser()
    hire(demo, mia, "mia@example.com", "manager")
    go(mia, "Approvals")
    mia.get_by_role("row").filter(has_text="$150.00").get_by_role("link", name=re.compile("^Look at it")).click()
    mia.get_by_role("button", name="Turn it down").click()
    expect(mia.get_by_role("main")).to_contain_text("No money moved, and the customer keeps the credits.")
    go(mia, "Approvals")
    mia.get_by_role("link", name=re.compile("^Look at it")).click()
    mia.get_by_role("button", name="Approve: give $210.00 back").click()
    expect(mia.get_by_role("main")).to_contain_text("the credits have followed it")

    # What was spent already is a debt, and she forgives it.
    assert available(eva) == "0"
    mia.get_by_role("link", name="Back to the customer").click()
    mia.get_by_role("link", name="Forgive the debt").click()
    mia.get_by_label("Credits").fill("100")
    mia.get_by_label("Why").fill("As a favour")
    mia.get_by_role("button", name="Forgive the debt").click()
    expect(mia.get_by_role("main")).to_contain_text("As a favour")
    assert available(eva) == "85"

    # She takes credits back that were too many.
    mia.get_by_role("link", name="Take credits").click()
    mia.get_by_label("Credits").fill("5")
    mia.get_by_label("Why").fill("Counted twice")
    mia.get_by_role("button", name="Take credits").click()
    expect(mia.get_by_role("main")).to_contain_text("Counted twice")
    assert available(eva) == "80"

    # A key for an app is shown once, exchanged, and revoked; support may not see keys at all.
    go(admin, "API keys")
    admin.get_by_label("App", exact=True).fill("new-app")
    admin.get_by_label("Read").first.check()
    admin.get_by_role("button", name="Make the key").click()
    secret = admin.get_by_label("Key of new-app").input_value()
    assert len(secret) > 20
    admin.goto("/staff/keys")
    expect(admin.get_by_role("main")).to_contain_text("new-app")
    expect(admin.get_by_role("main")).not_to_contain_text(secret)
    admin.get_by_role("button", name="Exchange the keys of new-app").click()
    assert admin.get_by_label("Key of new-app").input_value() != secret
    admin.goto("/staff/keys")
    admin.get_by_role("row").filter(has_text="new-app").get_by_role("button", name="Revoke").first.click()
    expect(admin.get_by_role("row").filter(has_text="new-app").filter(has_text="Ended")).to_have_count(1)
    sam = open_browser()
    hire(demo, sam, "sam@example.com", "support")
    expect(sam.get_by_role("link", name="API keys")).to_have_count(0)
    assert sam.goto("/staff/keys").status in (403, 404)  # type: ignore[union-attr]

    # A picture for an influencer, and away with it.
    go(mia, "Influencers")
    picture = {"name": "luna.png", "mimeType": "image/png", "buffer": mia.screenshot(clip=SQUARE)}
    mia.get_by_label("Picture of Luna Style").set_input_files(picture)  # type: ignore[arg-type]
    mia.get_by_role("button", name="Use this picture (Luna Style)").click()
    expect(mia.get_by_role("button", name="Remove the picture of Luna Style")).to_be_visible()
    eva.goto("/influencers/luna-style")
    luna = eva.locator("img.portrait").first
    expect(luna).to_be_visible()
    assert luna.evaluate("portrait => portrait.naturalWidth") == SQUARE["width"]
    mia.get_by_role("button", name="Remove the picture of Luna Style").click()
    expect(mia.get_by_role("button", name="Remove the picture of Luna Style")).to_have_count(0)

    # What Stripe has and the books say is the same.
    go(admin, "Stripe")
    admin.get_by_role("button", name="Compare").click()
    expect(admin.get_by_role("heading", level=1)).to_be_visible()
    admin.get_by_role("button", name="Book what is missing").click()
    assert available(eva) == "80"

    # The inbox has Stripe's events, and one can be run again without doing anything twice.
    go(admin, "Webhooks")
    admin.get_by_role("row").filter(has_text="invoice.paid").first.get_by_role("link").first.click()
    admin.get_by_role("button", name="Run again").click()
    assert available(eva) == "80"

    # From now on a code is asked for beside Mia's password.
    mia.goto("/staff/second-factor")
    shown = mia.get_by_role("main").locator("code").inner_text().replace(" ", "")
    mia.get_by_label("Code").fill(code_at(shown, int(time.time()) // STEP_SECONDS))
    mia.get_by_role("button", name="Use it from now on").click()
    expect(mia.get_by_role("heading", name="Find a customer")).to_be_visible()
    mia.get_by_text("Menu", exact=True).click()
    mia.get_by_role("button", name="Sign out").click()
    mia.goto("/staff/login")
    mia.get_by_label("E-mail address").fill("mia@example.com")
    mia.get_by_label("Password").fill(PASSWORD)
    mia.get_by_role("main").get_by_role("button", name="Sign in").click()
    mia.get_by_label("Code").fill(code_at(shown, int(time.time()) // STEP_SECONDS + 1))
    mia.get_by_role("main").get_by_role("button").first.click()
    expect(mia.get_by_role("heading", name="Find a customer")).to_be_visible()

    # Eva's books and what everybody has used are taken along as files.
    admin.goto(f"/staff/customers/{customer[1]}")
    with admin.expect_download() as download:
        admin.get_by_role("link", name="JSON").click()
    assert download.value.suggested_filename.startswith("saldo-books-")
    assert "Sorry for the wait" in download.value.path().read_text()
    go(admin, "Usage")
    with admin.expect_download() as download:
        admin.get_by_role("link", name="CSV for spreadsheets").click()
    assert customer[1] in download.value.path().read_text()

    # All of it is on record.
    go(admin, "Audit log")
    record = admin.get_by_role("main")
    for act in (
        "Credits granted",
        "Credits taken",
        "Debt forgiven",
        "Refund turned down",
        "Refund approved",
        "API key revoked",
        "Event run again",
    ):
        expect(record).to_contain_text(act)
    assert "right" in demo.flask("ledger", "audit")
