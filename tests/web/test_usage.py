"""`/usage` and `/staff/usage`: bars, tables and files of what was used."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from billing import adjustments, catalog, clock, spending
from billing.money import MICRO
from billing.spending import Order
from billing.usage_report import DayUse
from billing.usage_sums import Sums
from tests.conftest import Clock
from tests.staff.conftest import hire
from tests.web.conftest import Visitor, text_of
from web.usage_chart import COLOURS, build_chart

AGENTS = """
currency = "usd"
credit_value_usd = "0.01"
[free_plan]
name = "Free"
signup_credits = 1000
[actions.chat]
name = "Chat"
kind = "tokens"
models."gpt-5" = { input_per_million_usd = "1.25", output_per_million_usd = "10.00" }
models."gpt-4o-mini" = { input_per_million_usd = "0.15", output_per_million_usd = "0.60" }
"""


def spend(visitor: Visitor, action: str, **order: object) -> None:
    spending.debit(visitor.account_id, Order(action=action, **order), actor="app:studio")  # type: ignore[arg-type]


def test_usage_says_in_a_table_what_the_bars_show(ana: Visitor) -> None:
    spend(ana, "video", units=5)
    spend(ana, "upscale")
    spend(ana, "upscale")
    page = ana.see("/usage")
    text = text_of(page)
    assert "Credits used by day, UTC highest day: 35" in text
    assert "Video 1 25 Enlarge an image 2 10 Total 3 35" in text
    today = clock.now().strftime("%b %-d, %Y")
    assert f"The figures of each day By day, UTC; days without use are left out Day Times Credits {today} 3 35" in text
    assert len(re.findall(r'<rect class="series-\d" x="[\d.]+" y', page.text)) == 2
    assert "style=" not in page.text


def test_usage_counts_what_was_done_and_not_given_back(ana: Visitor) -> None:
    spend(ana, "upscale")
    entry = spending.debit(ana.account_id, Order(action="video", units=5), actor="app:studio").entry
    assert entry is not None
    spending.refund_debit(entry.id, 10 * MICRO, actor="app:studio")
    hold = spending.place_hold(ana.account_id, Order(action="upscale"), actor="app:studio")
    spending.void_hold(hold.id)
    assert "Video 1 15 Enlarge an image 1 5 Total 2 20" in text_of(ana.see("/usage"))


def test_usage_is_parted_by_the_trait_asked_for(ana: Visitor) -> None:
    spend(ana, "upscale", agent="painter")
    spend(ana, "upscale")
    assert "not given 1 5 painter 1 5 Total 2 10" in text_of(ana.see("/usage?by=agent"))


def test_usage_shows_the_days_asked_for(ana: Visitor, clock: Clock) -> None:
    from billing.clock import now

    spend(ana, "upscale")
    clock.advance(days=40)
    assert "Nothing was used in these days" in text_of(ana.see("/usage"))
    assert "Enlarge an image 1 5" in text_of(ana.see(f"/usage?from={(now() - timedelta(days=89)).date()}"))


@pytest.mark.parametrize(
    "query",
    ["from=2025-02-30", "to=x", "by=customer", "from=2026-02-02&to=2026-02-01", "from=2020-01-01&to=2026-01-01"],
)
def test_usage_says_what_is_wrong_with_the_days_f157(ana: Visitor, query: str) -> None:
    for path in ("/usage", "/usage/export"):
        answer = ana.see(f"{path}?{query}")
        assert answer.status_code == 422
        assert "There is a problem" in text_of(answer)


@pytest.mark.parametrize("query", ["to=0001-01-01", "from=9999-12-31&to=9999-12-31", "from=9999-12-01&to=9999-12-31"])
def test_usage_takes_any_day_of_the_calendar_f157(ana: Visitor, query: str) -> None:
    assert ana.see(f"/usage?{query}").status_code == 200


def test_usage_names_the_model_that_is_cheaper(app: Flask, ana: Visitor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "agents.toml"
    path.write_text(AGENTS)
    catalog.configure(catalog.load_catalog(path))
    spend(ana, "chat", model="gpt-5", input_tokens=1000, output_tokens=400)
    text = text_of(ana.see("/usage?by=model"))
    # 1000 in and 400 out: 0.125 + 0.4 credits, or 0.015 + 0.024.
    assert "Chat with gpt-5 costs 0.525 credits, with gpt-4o-mini 0.039." in text
    assert "gpt-5 1 1,000 400 0.525 $0.00525 Total" in text
    spend(ana, "chat", model="gpt-4o-mini", input_tokens=1000, output_tokens=400)
    assert "with gpt-4o-mini costs" not in text_of(ana.see("/usage"))


def test_usage_lists_jobs_and_says_when_one_was_not_charged(ana: Visitor) -> None:
    spend(ana, "video", units=5, agent="director", reference="job-1")
    given_back = spending.debit(ana.account_id, Order(action="upscale"), actor="app:studio").entry
    assert given_back is not None
    spending.refund_debit(given_back.id, actor="app:studio")
    failed, called_off, running = (
        spending.place_hold(ana.account_id, Order(action="upscale"), actor="app:studio") for _ in range(3)
    )
    spending.fail_hold(failed.id, "timeout")
    spending.void_hold(called_off.id)
    assert running.status == "active"
    jobs = text_of(ana.see("/usage")).split("Job by job")[1]
    assert "Video director · job-1 Done 25" in jobs
    assert "Enlarge an image Done; given back to you 0" in jobs
    assert "Enlarge an image Failed; you were not charged 0" in jobs
    assert "Enlarge an image Called off; you were not charged 0" in jobs
    assert "Enlarge an image Running; its credits are on hold 0" in jobs
    assert jobs.index("Running") < jobs.index("Called off") < jobs.index("Failed") < jobs.index("director")


def test_usage_goes_back_through_jobs_without_a_gap(ana: Visitor) -> None:
    adjustments.grant_credits(ana.account_id, 1000 * MICRO, "For your patience", "staff:test")
    for number in range(20):
        spend(ana, "upscale", reference=f"job-{number};")
    first = ana.see("/usage")
    older = re.search(r'href="(/usage\?[^"]*cursor=[^"]+)"', first.text)
    assert older
    second = ana.see(older[1].replace("&amp;", "&").split("#")[0])
    seen = re.findall(r"job-(\d+);", first.text + second.text)
    assert [int(number) for number in seen] == list(range(19, -1, -1))


def test_export_lists_every_use_with_its_numbers_as_numbers_f141(ana: Visitor) -> None:
    spend(ana, "upscale", agent="=cmd", reference="job-1")
    answer = ana.see("/usage/export")
    heads, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline=""))
    told = dict(zip(heads, row, strict=True))
    assert (told["Action"], told["Agent"], told["Reference"], told["Credits"]) == ("upscale", "'=cmd", "job-1", "5")
    [use] = json.loads(ana.see("/usage/export?format=json").text, parse_float=Decimal)["data"]
    assert (use["agent"], use["credits"], use["state"]) == ("=cmd", 5, "done")


def test_staff_see_everybodys_usage_and_customers_their_own(app: Flask, ana: Visitor, another: Visitor) -> None:
    another.send("/register", email="eva@example.com", password="correct horse", locale="en")
    spend(ana, "upscale")
    assert "Nothing was used" in text_of(another.see("/usage"))
    assert len(another.see("/usage/export").text.splitlines()) == 1
    desk = hire(app, "sam@example.com", "support")
    assert "Enlarge an image 1 5" in text_of(desk.see("/staff/usage"))
    assert "web_" in desk.see("/staff/usage/export").text


def test_build_chart_stacks_the_biggest_from_the_bottom_and_shares_the_last_colour() -> None:
    day = date(2026, 11, 24)
    uses = [DayUse(day, f"action-{n}", Sums(calls=1, credits=n * MICRO)) for n in range(1, COLOURS + 4)]
    chart = build_chart(uses, day - timedelta(days=1), day)
    assert [part.colour for part in chart.parts] == [*range(COLOURS), *[COLOURS] * 3]
    empty, full = chart.bars
    assert empty.blocks == []
    assert full.blocks[0].y + full.blocks[0].height == 100
    assert full.blocks[-1].y == pytest.approx(0, abs=0.01)
    assert chart.highest == 45 * MICRO
    assert not chart.counts_calls


def test_build_chart_counts_uses_where_none_has_cost_anything() -> None:
    day = date(2026, 11, 24)
    chart = build_chart([DayUse(day, "chat", Sums(calls=3))], day, day)
    assert chart.counts_calls
    assert chart.bars[0].blocks[0].height == 100
    assert build_chart([], day, day).highest == 0
