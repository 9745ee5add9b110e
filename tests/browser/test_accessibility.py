"""axe on every page, in both themes and languages; no sideways scrolling at 320 px; the road by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from config import ROOT
from tests.browser import walk
from tests.browser.demo import Demo, running
from tests.browser.screenshots import live_a_month

pytestmark = pytest.mark.browser

# WCAG 2.2 AA and what axe calls good practice.
OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One engine is enough: pages look the same on both."""
    with running(tmp_path_factory.mktemp("demo") / "saldo") as demo:
        yield demo


@pytest.fixture(scope="module")
def named(demo: Demo, browser: Browser) -> dict[str, str]:
    """A world in which everything exists that a page can be about, and what it is called."""
    page = browser.new_context(base_url=demo.url).new_page()
    live_a_month(demo, page)
    returned = page.url
    customer = re.search(r"web_\w+", page.goto("/settings").text())  # type: ignore[union-attr]
    assert customer
    for number, order in enumerate(({"action": "video", "units": 8}, {"action": "upscale", "agent": "painter"})):
        demo.api("debits", {"customer": customer[0], **order}, key=f"walk-{number}")
    scene = {"customer": customer[0], "action": "video", "units": 8, "reference": "a/scene?of=1"}
    demo.api(f"holds/{demo.api('holds', scene, key='walk-hold')['id']}/capture", {"amount": 30}, key="walk-capture")
    payments = demo.api(f"customers/{customer[0]}/payments")["data"]
    pack = next(each for each in payments if each["kind"] == "pack")
    asked = {"payment": pack["id"], "amount_minor": 100, "credits": "unspent", "reason": "duplicate"}
    site = {"customer": customer[0], "origin": "https://app.example.com"}
    setup = re.search(r"/staff/setup/\S+", demo.flask("staff", "add", "new@example.com", "--role", "support"))
    staff = browser.new_context(base_url=demo.url).new_page()
    sign_in(staff, "/staff", demo.staff)
    event = re.search(r"/staff/webhooks/(evt_\w+)", staff.goto("/staff/webhooks").text())  # type: ignore[union-attr]
    assert setup
    assert event
    return {
        "customer": customer[0],
        "entry": demo.api(f"customers/{customer[0]}/entries")["data"][0]["id"],
        "job": demo.api(f"customers/{customer[0]}/usage-events")["data"][0]["id"],
        "payment": pack["id"],
        "refund": demo.api("refunds", asked, key="walk-refund")["id"],
        "event": event[1],
        "embed": demo.api("embed-links", site)["url"],
        "portal": demo.api("portal-sessions", {"customer": customer[0]})["url"],
        "returned": returned,
        "setup": setup[0],
    }


def findings(page: Page) -> list[str]:
    """What axe finds on the page as it is now, every answer opened, and then in its menus, which lie over the page."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => each.open = true)")
    found = Axe().run(page, options=OPTIONS).response["violations"]
    if page.locator("details.menu").count():
        page.evaluate("document.querySelectorAll('details.menu').forEach(each => each.open = true)")
        found += Axe().run(page, context="header", options=OPTIONS).response["violations"]
    return [
        f"{page.url}: {each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return wider


def small_targets(page: Page) -> list[str]:
    """Buttons, fields and links that stand by themselves and are lower or narrower than 24 px (WCAG 2.5.8)."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll("button, input:not([type=hidden]), select, summary, nav a, a.btn")]
        .filter(each => each.offsetParent && !each.closest(".menu:not([open])"))
        .filter(each => !(each.matches("input[type=radio], input[type=checkbox]") && each.closest("label")))
        .filter(each => { const box = each.getBoundingClientRect(); return box.height < 24 || box.width < 24 })
        .map(each => each.outerHTML.slice(0, 120))"""
    )
    return found


def sign_in(page: Page, path: str, login: tuple[str, str]) -> None:
    page.goto(path)
    page.locator("#email").fill(login[0])
    page.locator("#password").fill(login[1])
    page.locator("main form button").first.click()
    expect(page).not_to_have_url(re.compile(r"/login"))


def check(page: Page, paths: tuple[str, ...], named: dict[str, str]) -> None:
    problems = []
    for path in paths:
        address = path.format_map(named)
        answer = page.goto(address)
        if answer is None or answer.ok == (path in walk.REFUSED):
            problems.append(f"{address}: {answer and answer.status}")
        problems += findings(page)
        if overflow(page) > 0:
            problems.append(f"{address} is {overflow(page)} px too wide")
        problems += [f"{address}: too small: {each}" for each in small_targets(page)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("width", "color_scheme", "locale"),
    [(320, "light", "en-US"), (320, "dark", "es-ES"), (1280, "light", "es-ES"), (1280, "dark", "en-US")],
)
def test_pages_have_no_barriers(
    demo: Demo,
    named: dict[str, str],
    open_browser: Callable[..., Page],
    width: int,
    color_scheme: str,
    locale: str,
) -> None:
    """Every page there is, of `walk.py`, in both widths, themes and languages, each with each of the others once."""
    options = {"width": width, "color_scheme": color_scheme, "locale": locale, "reduced_motion": "reduce"}
    check(open_browser(**options), walk.STRANGERS_PAGES + walk.STAFF_STRANGERS_PAGES, named)
    customer = open_browser(**options)
    sign_in(customer, "/login", demo.customer)
    check(customer, walk.CUSTOMERS_PAGES, named)
    staff = open_browser(**options)
    sign_in(staff, "/staff", demo.staff)
    check(staff, walk.STAFF_PAGES, named)


def test_ids_are_whole_in_a_line_of_a_phone(
    demo: Demo, named: dict[str, str], open_browser: Callable[..., Page]
) -> None:
    """Those of a usual length; a click takes all of one."""
    staff = open_browser(width=320)
    sign_in(staff, "/staff", demo.staff)
    for path in ("/staff/customers/{customer}", "/staff/webhooks", "/staff/audit", "/staff/refunds/{refund}"):
        staff.goto(path.format_map(named))
        ids = staff.locator(".ids").filter(has_text=re.compile(r"^\w{20,32}$"))
        heights = ids.evaluate_all(
            "all => all.map(each => each.offsetHeight / parseFloat(getComputedStyle(each).lineHeight))"
        )
        assert heights, path
        assert max(heights) < 1.5, path
    first = staff.locator(".ids").filter(has_text="rf_").first
    first.click()
    assert staff.evaluate("getSelection().toString()").strip() == named["refund"]


@pytest.mark.parametrize("locale", ["en-US", "es-ES"])
def test_heading_is_one_line_at_every_width(demo: Demo, open_browser: Callable[..., Page], locale: str) -> None:
    customer, staff = open_browser(locale=locale), open_browser(locale=locale)
    sign_in(customer, "/login", demo.customer)
    sign_in(staff, "/staff", demo.staff)
    for page in (customer, staff):
        for width in (320, 480, 768, 1000, 1200, 1280, 1400):
            page.set_viewport_size({"width": width, "height": 800})
            box = page.locator(".site-header").bounding_box()
            assert box
            assert box["height"] < 80, f"{page.url} at {width} px"


@pytest.mark.parametrize("width", [320, 1000])
def test_desk_has_all_its_pages_in_the_menu_without_a_script(
    demo: Demo, open_browser: Callable[..., Page], width: int
) -> None:
    staff = open_browser(width=width, java_script_enabled=False)
    sign_in(staff, "/staff", demo.staff)
    summary = staff.locator("header summary")
    summary.focus()
    staff.keyboard.press("Enter")
    links = staff.get_by_role("navigation", name="Menu").get_by_role("link")
    expect(links).to_have_text(
        [
            "Customers",
            "Approvals",
            "Webhooks",
            "Stripe",
            "API keys",
            "Audit log",
            "Influencers",
            "Usage",
            "Second factor",
        ]
    )
    for _ in range(6):
        staff.keyboard.press("Tab")
    expect(links.nth(5)).to_be_focused()
    staff.keyboard.press("Enter")
    expect(staff.get_by_role("heading", name="Audit log")).to_be_visible()


@pytest.mark.parametrize("sheet", sorted(each.name for each in (ROOT / "static").glob("*.css")))
def test_style_sheet_is_understood_to_the_last_rule(demo: Demo, open_browser: Callable[..., Page], sheet: str) -> None:
    """A browser drops without a word what it can't read."""
    page = open_browser()
    page.goto("/plans")
    understood = page.evaluate(
        """async name => {
            const sheet = new CSSStyleSheet()
            const text = await (await fetch(`/static/${name}`)).text()
            sheet.replaceSync(text)
            const count = rules => [...rules].reduce((sum, rule) => sum + 1 + count(rule.cssRules ?? []), 0)
            return count(sheet.cssRules)
        }""",
        sheet,
    )
    written = re.sub(r"/\*.*?\*/", "", (ROOT / "static" / sheet).read_text(), flags=re.S)
    assert understood == written.count("{") - written.count("::-moz-"), "all but what is for Firefox alone"


def test_keyboard_alone_walks_the_whole_road(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    page.goto("/register")

    def tab_to(what: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            name = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            # Within a field for a day Chromium marks the part that has the focus, and not the whole.
            is_day = page.evaluate("document.activeElement.type === 'date'")
            assert outline != "none" or is_day, f"no focus to be seen on {name!r}"
            if name == what:
                return
        raise AssertionError(f"the keyboard does not reach {what!r}")

    def follow(what: str) -> None:
        tab_to(what)
        with page.expect_navigation():
            page.keyboard.press("Enter")

    def pay(button: str) -> None:
        expect(page).to_have_url(re.compile(r"/c/pay/cs_test_"))
        follow(button)
        expect(page.get_by_role("heading", name="Thank you! It is paid.")).to_be_visible()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to("E-mail address")
    page.keyboard.type("keys@example.com")
    tab_to("Password")
    page.keyboard.type("short")
    page.keyboard.press("Enter")
    # What is wrong has the focus, and leads to the field.
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Balance", exact=True)).to_be_visible()
    tab_to("See plans")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Credits for everything you create")).to_be_visible()
    tab_to("Choose Basic")
    page.keyboard.press("Enter")
    pay("Subscribe")
    follow("To my balance")
    expect(page.get_by_role("main")).to_contain_text("560 credits")

    # A pack, an influencer; cancelling her, and undoing it.
    follow("Credit packs")
    follow("Buy 100 credits")
    pay("Pay $4.99")
    follow("Influencers")
    follow("Luna Style")
    follow("Subscribe: Basic")
    pay("Subscribe")
    follow("My subscriptions")
    luna = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Luna Style"))
    tab_to("Cancel Luna Style …")
    page.keyboard.press("Enter")
    follow("Cancel at the end of the period")
    expect(luna).to_contain_text("Renewal is off")
    follow("Undo the cancellation")
    expect(luna).to_contain_text("Active")

    # What happened, filtered, and out.
    follow("History")
    tab_to("Show")
    page.keyboard.type("Bought")
    follow("Filter")
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(2)
    tab_to("Menu")
    page.keyboard.press("Enter")
    follow("Sign out")
    page.goto("/balance")
    expect(page).to_have_url(re.compile(r"/login"))


def test_pages_stay_small(demo: Demo, open_browser: Callable[..., Page]) -> None:
    """Under 100 KB a page besides Bootstrap, everything counted."""
    page = open_browser()
    for path in ("/", "/packs", "/influencers/luna-style", "/register"):
        sizes: list[int] = []
        page.on(
            "response",
            lambda answer, sizes=sizes: sizes.append(len(answer.body())) if "/bootstrap/" not in answer.url else None,
        )
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert 0 < sum(sizes) < 100_000, (path, sizes)
