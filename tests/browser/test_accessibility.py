"""axe on every page, in both themes and languages; no sideways scrolling at 320 px; the road by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.demo import Demo

pytestmark = pytest.mark.browser

STRANGERS_PAGES = (
    "/",
    "/plans?interval=year",
    "/packs",
    "/influencers",
    "/influencers/luna-style",
    "/login",
    "/register",
    "/forgot-password",
    "/reset-password/over",
    "/nowhere",
)
CUSTOMERS_PAGES = (
    "/plans",
    "/packs?checkout=cancelled",
    "/influencers/luna-style",
    "/balance",
    "/history",
    "/history?from=nonsense",
    "/subscriptions",
    "/payments",
    "/settings",
    "/settings/delete",
)
STAFF_PAGES = ("/staff", "/staff?q=customer", "/staff/webhooks", "/staff/audit")

# WCAG 2.2 AA and what axe calls good practice.
OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def findings(page: Page) -> list[str]:
    """What axe finds on the page as it is now, every menu and answer opened."""
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page, options=OPTIONS).response["violations"]
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


def check(page: Page, paths: tuple[str, ...]) -> None:
    problems = []
    for path in paths:
        page.goto(path)
        problems += findings(page)
        if overflow(page) > 0:
            problems.append(f"{path} is {overflow(page)} px too wide")
        problems += [f"{path}: too small: {each}" for each in small_targets(page)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("locale", ["en-US", "es-ES"])
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_have_no_barriers(
    demo: Demo, open_browser: Callable[..., Page], width: int, color_scheme: str, locale: str
) -> None:
    options = {"width": width, "color_scheme": color_scheme, "locale": locale, "reduced_motion": "reduce"}
    check(open_browser(**options), STRANGERS_PAGES)
    customer = open_browser(**options)
    sign_in(customer, "/login", demo.customer)
    check(customer, CUSTOMERS_PAGES)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_staff_pages_have_no_barriers(
    demo: Demo, open_browser: Callable[..., Page], width: int, color_scheme: str
) -> None:
    staff = open_browser(width=width, color_scheme=color_scheme, reduced_motion="reduce")
    sign_in(staff, "/staff", demo.staff)
    check(staff, STAFF_PAGES)


def test_keyboard_alone_registers_and_reaches_the_payment_page(demo: Demo, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    page.goto("/register")

    def tab_to(what: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            name = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"no focus to be seen on {name!r}"
            if name == what:
                return
        raise AssertionError(f"the keyboard does not reach {what!r}")

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
    expect(page).to_have_url(re.compile(r"/c/pay/cs_test_"))


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
