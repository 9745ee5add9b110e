"""`/usage/jobs/<id>`: what one job did to the credits, in words that a customer can follow."""

from __future__ import annotations

import re
from datetime import UTC
from html import escape

import pytest
from flask import Flask

from billing import adjustments, catalog, clock, customers, quotes, spending, usage
from billing.db import db
from billing.money import MICRO
from billing.spending import Order
from billing.usage import UsageEvent
from tests.conftest import Clock
from tests.web.conftest import Visitor, text_of

ACTOR = "app:studio"
VIDEO = Order(action="video", units=7, reference="scene-1")
REFERENCES = ("scene-1", "a/b?c#d&e=f%20g", "..", "señal 🎬", "x" * 255, "<b>&amp;", " ", "us_1_1")


def job_of(visitor: Visitor, place: int = 0) -> str:
    """The id of the customer's newest job, or of one before it."""
    db.session.rollback()
    return usage.list_events(visitor.account_id, limit=100).rows[place].id


def record(visitor: Visitor, place: int = 0) -> str:
    answer = visitor.see(f"/usage/jobs/{job_of(visitor, place)}")
    assert answer.status_code == 200, answer.text
    return text_of(answer)


def minute() -> str:
    return clock.now().astimezone(UTC).strftime("%b %-d, %Y, %H:%M")


def test_job_tells_its_whole_story_in_order(ana: Visitor, clock: Clock) -> None:
    quote = quotes.make_quote(ana.account_id, Order(action="video", units=7))
    quoted_at = minute()
    clock.advance(minutes=2)
    hold = spending.place_hold(ana.account_id, Order(action="video", units=7, quote=quote.id), actor=ACTOR)
    held_at = minute()
    clock.advance(minutes=3)
    _, debit = spending.capture_hold(hold.id, 30 * MICRO)
    charged_at = minute()
    assert debit is not None
    clock.advance(minutes=60)
    spending.refund_debit(debit.id, 10 * MICRO, actor=ACTOR, reason="The sound was missing")
    text = record(ana)
    assert "You paid 20 credits." in text
    story = [
        f"{quoted_at} Price promised: 50 credits, until",
        f"{held_at} On hold: 50 credits, until",
        f"{charged_at} It was done. You paid 30 credits of 50 credits; the rest was free again. −30",
        f"{minute()} Given back to you The sound was missing +10",
    ]
    assert [text.index(each) for each in story] == sorted(text.index(each) for each in story)
    assert "Price 30 Given back 10 You paid 20" in text
    assert "How the price comes about: 7 seconds; up to 10 seconds: 50 credits" in text
    assert "Welcome credits" in text.split("The credits that paid it")[1]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (lambda hold: spending.void_hold(hold), "It was called off. You were not charged."),
        (
            lambda hold: spending.fail_hold(hold, "timeout"),
            "It failed: it took too long. You were not charged.",
        ),
        (lambda hold: None, "Nothing is charged yet."),
    ],
    ids=["voided", "failed", "running"],
)
def test_job_says_that_nothing_was_charged(ana: Visitor, end, told: str) -> None:  # type: ignore[no-untyped-def]
    end(spending.place_hold(ana.account_id, VIDEO, actor=ACTOR).id)
    text = record(ana)
    assert told in text
    assert "You paid 0" in text
    assert "The credits that paid it" not in text


def test_job_that_nobody_ended_was_not_charged_once_its_time_is_over(ana: Visitor, clock: Clock) -> None:
    spending.place_hold(ana.account_id, VIDEO, 60, actor=ACTOR)
    clock.advance(seconds=61)
    text = record(ana)
    assert "It was not finished in time. You were not charged." in text
    assert "You were not charged. Reference: scene-1" in text


def test_job_that_failed_tells_the_share_that_was_paid(app: Flask, ana: Visitor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "shares.toml"
    path.write_text(
        'currency = "usd"\n[free_plan]\nname = "Free"\nsignup_credits = 60\n'
        '[actions.video]\nname = "Video"\ncost = 40\non_failure = { moderation = 25 }\n'
    )
    catalog.configure(catalog.load_catalog(path))
    spending.fail_hold(spending.place_hold(ana.account_id, Order(action="video"), actor=ACTOR).id, "moderation")
    text = record(ana)
    assert "You paid 10 credits of 40 credits; the rest was free again. −10" in text
    assert "It failed: what was asked for is not allowed." in text
    assert "How the price comes about: 40 credits each time" in text


def test_job_given_back_altogether_says_so_and_names_where_the_credits_were_from(ana: Visitor) -> None:
    charge = spending.debit(ana.account_id, Order(action="upscale", quantity=2), actor=ACTOR)
    assert charge.entry is not None
    spending.refund_debit(charge.entry.id, actor=ACTOR)
    text = record(ana)
    assert "All of it was given back to you." in text
    assert "Price 10 Given back 10 You paid 0" in text
    assert "How the price comes about: 2 × (5 credits each time)" in text


def test_job_under_an_older_price_list_does_not_explain_it_by_the_new_one(ana: Visitor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    version = catalog.current().version
    spending.debit(ana.account_id, VIDEO, actor=ACTOR)
    path = tmp_path / "dearer.toml"
    path.write_text(
        'currency = "usd"\n[free_plan]\nname = "Free"\n[actions.video]\nname = "Video"\ncost = 99\n', encoding="utf-8"
    )
    catalog.configure(catalog.load_catalog(path))
    text = record(ana)
    assert f"The price is from the price list of that time ({version}), which has changed since." in text
    assert "99" not in text


def test_job_shows_all_that_bears_its_reference(ana: Visitor) -> None:
    adjustments.grant_credits(ana.account_id, 100 * MICRO, "For your patience", "staff:test")
    for action in ("upscale", "text-to-image"):
        spending.debit(ana.account_id, Order(action=action, reference="scene-1"), actor=ACTOR)
    spending.debit(ana.account_id, Order(action="upscale", reference="scene-2"), actor=ACTOR)
    for place in (1, 2):
        text = record(ana, place)
        assert "Job scene-1 You paid 10 credits." in text
        assert text.count("It was done, and charged.") == 2
    assert record(ana, 0).count("It was done, and charged.") == 1


def test_job_shows_the_one_asked_for_also_where_a_reference_has_very_many(ana: Visitor) -> None:
    adjustments.grant_credits(ana.account_id, 1000 * MICRO, "For your patience", "staff:test")
    for _ in range(53):
        spending.debit(ana.account_id, Order(amount=MICRO, reference="loop"), actor=ACTOR)
    first, last = record(ana, 52), record(ana, 0)
    assert first.count("It was done, and charged.") == 50
    assert last.count("It was done, and charged.") == 1
    for text in (first, last):
        assert "There are more jobs with this reference" in text


@pytest.mark.parametrize("reference", REFERENCES)
def test_job_is_found_by_whatever_reference_the_app_gave_it(ana: Visitor, reference: str) -> None:
    spending.debit(ana.account_id, Order(action="upscale", reference=reference), actor=ACTOR)
    found = ana.ask("GET", "/usage/jobs", query_string={"reference": reference})
    assert (found.status_code, found.location) == (303, f"/usage/jobs/{job_of(ana)}")
    page = ana.see(found.location)
    assert page.status_code == 200
    assert "<b>&amp;" not in page.text.replace("&lt;b&gt;&amp;amp;", "")


def test_job_of_another_and_of_nobody_is_not_there__R14(app: Flask, ana: Visitor, another: Visitor) -> None:
    eva = customers.register("eva@example.com", "correct horse battery", "Eva", "en").account_id
    another.account_id = eva
    another.sign_in("eva@example.com")
    spending.debit(ana.account_id, VIDEO, actor=ACTOR)
    theirs = job_of(ana)
    bodies = set()
    for path in (
        f"/usage/jobs/{theirs}",
        f"/usage/jobs/us_{eva}_1",
        "/usage/jobs/us_99_1",
        "/usage/jobs/scene-1",
        "/usage/jobs?reference=scene-1",
        "/usage/jobs?reference=nothing",
        "/usage/jobs?reference=%00",
        "/usage/jobs",
    ):
        answer = another.see(path)
        assert answer.status_code == 404, path
        per_request = r'req_[0-9a-f]+|name="csrf_token" value="[^"]+"|nonce="[^"]+"'
        bodies.add(re.sub(per_request, "", answer.text).replace(escape(path), "").replace(path, ""))
    assert len(bodies) == 1
    assert ana.see(f"/usage/jobs/{theirs}").status_code == 200


def test_job_is_for_whoever_is_signed_in(visitor: Visitor, ana: Visitor) -> None:
    spending.debit(ana.account_id, VIDEO, actor=ACTOR)
    answer = visitor.see("/usage/jobs?reference=scene-1")
    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=")
    assert "reference" in answer.location


def test_usage_and_history_lead_to_the_job(ana: Visitor) -> None:
    charge = spending.debit(ana.account_id, VIDEO, actor=ACTOR)
    assert charge.entry is not None
    spending.refund_debit(charge.entry.id, MICRO, actor=ACTOR)
    link = f'href="/usage/jobs/{job_of(ana)}"'
    assert ana.see("/usage").text.count(link) == 1
    assert ana.see("/history").text.count(link) == 2, "the debit's, and its refund's; the welcome credits are no job's"


def test_job_recorded_afterwards_in_a_batch_has_its_record_too(ana: Visitor) -> None:
    event = UsageEvent("e-1", "x", Order(action="upscale", agent="painter", reference="batch"))
    usage.record_event("studio", event.id, ana.account_id, event.order, actor=ACTOR)
    assert "painter" in record(ana)


def test_job_reads_in_spanish(ana: Visitor) -> None:
    spending.void_hold(spending.place_hold(ana.account_id, VIDEO, actor=ACTOR).id)
    ana.send("/preferences", locale="es")
    text = record(ana)
    assert "Se anuló. No se te ha cobrado nada." in text
    assert "Retenido: 50 créditos" in text
