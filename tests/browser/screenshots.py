"""Makes the README's screenshots: `python -m tests.browser.screenshots [FOLDER]` (default `docs/screenshots`).

It starts the demo, lives through a month of it, and takes each picture in the size and theme it is shown in.
"""

from __future__ import annotations

import re
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from config import ROOT
from tests.browser.demo import Demo, running

CHROMIUM = "/usr/bin/chromium"

# Name, path, width, theme, language.
PICTURES = (
    ("plans", "/plans?interval=year", 1280, "light", "en-US"),
    ("balance", "/balance", 1280, "light", "en-US"),
    ("usage", "/usage", 1280, "light", "en-US"),
    ("subscriptions", "/subscriptions", 1280, "dark", "en-US"),
    ("history-es", "/history", 1280, "light", "es-ES"),
    ("packs-phone", "/packs", 390, "dark", "es-MX"),
    ("balance-phone", "/balance", 390, "light", "es-MX"),
)


def live_a_month(demo: Demo, page: Page) -> None:
    """Buy a plan, a pack and an influencer, and let 31 days pass."""
    sign_in(page, demo)
    for path, button in (
        ("/plans", "Choose Basic"),
        ("/packs", "Buy 500 credits"),
        ("/influencers/luna-style", "Subscribe: Basic"),
    ):
        page.goto(path)
        page.get_by_role("button", name=button, exact=True).click()
        page.locator("button[value=card]").click()
        page.wait_for_url(re.compile("/checkout/return"))
    demo.flask("sandbox", "advance", "31")


def use_some(demo: Demo, customer: str) -> None:
    """What a month of work looks like: images every day, a video or some audio now and then."""
    now = datetime.fromisoformat(demo.api(f"customers/{customer}/entries")["data"][0]["created_at"])
    events = []
    for day in range(25):
        at = (now - timedelta(days=day)).isoformat().replace("+00:00", "Z")
        orders: list[dict[str, object]] = [{"action": "text-to-image", "quantity": 1 + day * 5 % 4, "agent": "painter"}]
        if day % 3 == 0:
            orders.append({"action": "video", "units": 5, "agent": "director"})
        if day % 2:
            orders.append({"action": "audio", "units": 40, "agent": "director"})
        if day % 5 == 1:
            orders.append({"action": "upscale", "agent": "painter"})
        events += [
            {"id": f"day-{day}-{number}", "customer": customer, "occurred_at": at, **order}
            for number, order in enumerate(orders)
        ]
    results = demo.api("usage", {"events": events})["results"]
    assert {each["status"] for each in results} == {"recorded"}, results


def customer_of(page: Page) -> str:
    """The number of the customer who is signed in."""
    page.goto("/settings")
    return page.get_by_text(re.compile("^web_")).first.inner_text()


def sign_in(page: Page, demo: Demo) -> None:
    """Sign the demo's customer in."""
    email, password = demo.customer
    page.goto("/login")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("main form button").click()


def open_page(browser: Browser, demo: Demo, width: int, theme: str, locale: str) -> Page:
    """A browser of its own, in a window of that width."""
    context = browser.new_context(
        base_url=demo.url,
        viewport={"width": width, "height": 800 if width > 700 else 844},
        device_scale_factor=1.5,
        color_scheme=theme,  # type: ignore[arg-type]
        locale=locale,
        reduced_motion="reduce",
    )
    context.add_cookies(
        [{"name": "locale", "value": locale.replace("-ES", "").replace("-US", "").replace("-", "_"), "url": demo.url}]
    )
    return context.new_page()


def main(folder: Path) -> None:
    """Write every picture into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="saldo-") as temporary,
        running(Path(temporary) / "saldo") as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        first = open_page(browser, demo, 1280, "light", "en-US")
        live_a_month(demo, first)
        use_some(demo, customer_of(first))
        for name, path, width, theme, locale in PICTURES:
            page = open_page(browser, demo, width, theme, locale)
            sign_in(page, demo)
            page.goto(path)
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
