"""A headless Chromium in front of the whole of Saldo, on each engine; skipped where there is no Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from tests.browser.demo import Demo, running
from tests.browser.stories import broken_words
from tests.engines import ENGINES

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=sorted(ENGINES))
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`run.py` with its sandbox, on an empty database of each engine."""
    folder = tmp_path_factory.mktemp("demo") / "saldo"
    if request.param == "sqlite":
        with running(folder) as demo:
            yield demo
        return
    engine = ENGINES[request.param](lambda _url: None)
    try:
        with running(folder, DATABASE_URL=engine.empty()) as demo:
            yield demo
    finally:
        engine.close()


@pytest.fixture
def open_browser(request: pytest.FixtureRequest, browser: Browser, demo: Demo) -> Iterator[Callable[..., Page]]:
    """Opens a browser of somebody's own: `open_browser(width=320, color_scheme="dark", locale="es-ES")`.

    Whatever a page complains about in the console, and every request to another host, fails the test; so does a call
    that `stories.py` promises of this test and that no browser has sent, or that was refused.
    """
    opened: list[BrowserContext] = []
    complaints: list[str] = []
    answers: list[tuple[str, str, int]] = []

    def hear(answer: Response) -> None:
        if answer.url.startswith(demo.url):
            answers.append((answer.request.method, answer.url, answer.status))

    def open_(width: int = 1280, **options: object) -> Page:
        context = browser.new_context(base_url=demo.url, viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        context.on("response", hear)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}")
                if message.type in ("error", "warning") and "the server responded with a status of" not in message.text
                else None
            ),
        )
        page.on(
            "request",
            lambda sent: (
                complaints.append(f"asks another host: {sent.url}")
                if not sent.url.startswith(("http://127.0.0.1:", "data:"))
                else None
            ),
        )
        return page

    yield open_
    for context in opened:
        context.close()
    assert not complaints
    assert not broken_words(request.function.__name__, answers), "told in tests/browser/stories.py, and not sent"
