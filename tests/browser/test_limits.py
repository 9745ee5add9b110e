"""A limit beside credits: a customer reaches it, a manager sets it back, and the customer sees both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo import Demo, running
from tests.browser.screenshots import customer_of
from tests.browser.test_accessibility import findings
from tests.browser.test_road import register
from tests.browser.test_staff_day import hire

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A catalog whose free plan gives five images for a lifetime; one engine is enough for what people see."""
    folder = tmp_path_factory.mktemp("demo") / "saldo"
    with running(folder, CATALOG="examples/catalogs/influencers.toml") as demo:
        yield demo


def test_manager_sets_a_limit_back(demo: Demo, open_browser: Callable[..., Page]) -> None:
    eva = open_browser()
    register(eva, "eva@example.com")
    customer = customer_of(eva)
    for number in range(5):
        demo.api("debits", {"customer": customer, "action": "create-image"}, key=f"image-{number}")
    eva.goto("/balance")
    expect(eva.get_by_role("main")).to_contain_text("5 of 5")
    assert findings(eva) == []

    # Support sees it, and cannot change it.
    sam = open_browser()
    hire(demo, sam, "sam@example.com", "support")
    sam.goto(f"/staff/customers/{customer}")
    sam.get_by_role("link", name="Limits").click()
    expect(sam.get_by_role("row").filter(has_text="Images")).to_contain_text("5 of 5")
    expect(sam.get_by_role("button", name="Set back")).to_have_count(0)

    # The manager does, and is asked for a reason first.
    mia = open_browser()
    hire(demo, mia, "mia@example.com", "manager")
    mia.goto(f"/staff/customers/{customer}")
    mia.get_by_role("link", name="Limits").click()
    mia.get_by_label("Limit", exact=True).select_option(label="Images")
    mia.get_by_role("button", name="Set back").click()
    expect(mia.get_by_label("Why")).to_have_attribute("aria-invalid", "true")
    assert findings(mia) == []
    mia.get_by_label("Why").fill("They came out black")
    mia.get_by_role("button", name="Set back").click()
    expect(mia.get_by_role("status")).to_contain_text("Set back: Images.")
    expect(mia.get_by_role("row").filter(has_text="They came out black")).to_contain_text("mia@example.com")
    assert findings(mia) == []
    eva.reload()
    expect(eva.get_by_role("main")).to_contain_text("0 of 5")
    demo.api("debits", {"customer": customer, "action": "create-image"}, key="image-again")
