"""`/history`: every movement in plain words, newest first, in pages that stay quick."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask_babel import force_locale

from billing import adjustments, spending
from billing.ledger.posting import REASONS
from billing.money import MICRO
from tests.conftest import Clock
from tests.web.conftest import Visitor, text_of
from web import words


def spend(visitor: Visitor, credits: int) -> None:
    """Make a video: 25 credits for five seconds."""
    assert credits == 25
    spending.debit(visitor.account_id, spending.Order(action="video", units=5), actor="app:test")


def test_history_is_newest_first_with_sign_and_running_balance(ana: Visitor) -> None:
    spend(ana, 25)
    page = text_of(ana.see("/history"))
    assert page.index("−25 35") < page.index("+60 60")
    assert "Welcome credits" in page
    assert "Video Used" in page


def test_history_names_reasons_in_the_readers_language(ana: Visitor) -> None:
    spend(ana, 25)
    ana.client.set_cookie("locale", "es")
    page = text_of(ana.see("/history"))
    assert "Créditos de bienvenida" in page
    assert "Vídeo Usado" in page


@pytest.mark.parametrize("kind", sorted(REASONS))
def test_every_kind_and_reason_of_the_ledger_has_words_in_both_languages(app: Flask, kind: str) -> None:
    told = {"DEBIT": words.DEBITS, "REFUND": words.REFUNDS}.get(kind, words.GRANT_SOURCES)
    assert REASONS[kind] <= set(told)
    for term in (words.KINDS[kind], *(told[reason] for reason in REASONS[kind])):
        with app.test_request_context(), force_locale("en"):
            english = str(term)
        with app.test_request_context(), force_locale("es"):
            assert str(term) != english


def test_history_filters_by_kind_and_day(ana: Visitor, clock: Clock) -> None:
    clock.advance(days=2)
    spend(ana, 25)
    only_debits = text_of(ana.see("/history?kind=DEBIT"))
    assert "−25" in only_debits
    assert "+60" not in only_debits
    from billing.clock import now

    today = now().date().isoformat()
    assert "+60" not in text_of(ana.see(f"/history?from={today}"))
    assert "−25" in text_of(ana.see(f"/history?from={today}&to={today}"))
    assert "There are no entries that fit." in text_of(ana.see("/history?kind=PURCHASE"))


def test_history_goes_back_page_by_page_without_a_gap(ana: Visitor) -> None:
    for number in range(30):
        adjustments.grant_credits(ana.account_id, (number + 1) * MICRO, f"gift {number}", "staff:test")
    first = ana.see("/history?kind=CREDIT")
    older = re.search(r'href="(/history\?[^"]*cursor=[^"]+)"', first.text)
    assert older
    path = older[1].replace("&amp;", "&")
    assert "kind=CREDIT" in path, "the filter goes along"
    second = ana.see(path)
    seen = re.findall(r"gift (\d+)", first.text + second.text)
    assert [int(number) for number in seen] == list(range(29, -1, -1))
    assert "cursor=" not in re.sub(r'name="next" value="[^"]*"', "", second.text).replace(path, "")


@pytest.mark.parametrize(
    "query", ["from=2025-02-30", "to=10000-01-01", "from=x", "kind=NOPE", "from=2026-02-02&to=2026-02-01"]
)
def test_history_says_what_is_wrong_with_a_filter_f157(ana: Visitor, query: str) -> None:
    answer = ana.see(f"/history?{query}")
    assert answer.status_code == 422
    assert "There is a problem" in text_of(answer)


@pytest.mark.parametrize("query", ["from=1970-01-01", "to=9999-12-31", "from=0001-01-01", "to=2038-01-20", "kind="])
def test_history_takes_any_day_of_the_calendar_f157(ana: Visitor, query: str) -> None:
    assert ana.see(f"/history?{query}").status_code == 200


def test_history_gives_nothing_for_anothers_cursor_f156(ana: Visitor, another: Visitor) -> None:
    another.send("/register", email="eva@example.com", password="correct horse", locale="en")
    for cursor in (f"{ana.account_id}.2", "x", "1.", "%00", "9" * 40):
        answer = another.see(f"/history?cursor={cursor}")
        assert answer.status_code in (400, 404)
        assert "+60" not in text_of(answer)
