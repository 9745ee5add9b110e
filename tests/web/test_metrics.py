"""`/metrics`: what Prometheus can read, that it counts, and that it tells nothing of anybody."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

import metrics
from billing import clock
from billing.db import db, transaction
from billing.models import StripeEvent
from tests.stripe_world import post, sample
from tests.web.conftest import Visitor

LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+')


def figures(visitor: Visitor) -> dict[str, float]:
    """Series → value, after a look at the format of each line."""
    answer = visitor.see("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    read = {}
    for line in answer.text.splitlines():
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP|TYPE) saldo_[a-z_]+ .+", line), line
            continue
        assert LINE.fullmatch(line), line
        series, _, value = line.rpartition(" ")
        assert series not in read
        read[series] = float(value)
    return read


def growth(visitor: Visitor, before: dict[str, float], series: str) -> float:
    return figures(visitor)[series] - before[series]


def test_metrics_count_requests_by_door_and_status(visitor: Visitor) -> None:
    before = figures(visitor)
    visitor.see("/plans")
    visitor.see("/nowhere")
    visitor.see("/api/v1/plans")
    visitor.see("/api/v1/customers/ada")
    visitor.see("/staff/keys")
    after = figures(visitor)
    grown = {series: after[series] - before[series] for series in after if "requests_total{door" in series}
    assert {series: more for series, more in grown.items() if more and "other" not in series} == {
        'saldo_requests_total{door="pages",status="2xx"}': 1,
        'saldo_requests_total{door="pages",status="4xx"}': 1,
        'saldo_requests_total{door="api",status="2xx"}': 1,
        'saldo_requests_total{door="api",status="4xx"}': 1,
        'saldo_requests_total{door="staff",status="3xx"}': 1,
    }


def test_metrics_keep_a_histogram_of_times(visitor: Visitor) -> None:
    before = figures(visitor)
    for door, seconds in (("api", 0.01), ("api", 0.02), ("api", 60.0)):
        metrics.observe_request(door, 200, seconds)
    after = figures(visitor)
    buckets = [
        f'saldo_request_seconds_bucket{{door="api",le="{bound}"}}' for bound in ("0.01", "0.025", "10.0", "+Inf")
    ]
    assert [after[each] - before[each] for each in buckets] == [1, 2, 2, 3]
    count, total = 'saldo_request_seconds_count{door="api"}', 'saldo_request_seconds_sum{door="api"}'
    assert after[count] - before[count] == 3
    assert after[total] - before[total] == pytest.approx(60.03)


def test_metrics_tell_of_a_clock_that_is_wrong__F196(app: Flask, visitor: Visitor) -> None:
    before = figures(visitor)
    event = sample("customer.subscription.updated")
    post(app, event, at=time.time() + 600)
    post(app, event, secret="whsec_forged")
    for why in ("out_of_tolerance", "mismatch"):
        assert growth(visitor, before, f'saldo_webhooks_refused_total{{why="{why}"}}') == 1


def test_metrics_tell_what_waits_and_how_long(visitor: Visitor) -> None:
    assert figures(visitor)['saldo_events{state="failed"}'] == 0
    with transaction() as connection:
        for number, status in enumerate(("failed", "parked", "parked", "done")):
            row = {"id": f"evt_{number}", "type": "x", "status": status, "attempts": 1, "payload": "{}"}
            at = clock.wall_now() - timedelta(minutes=5)
            connection.execute(insert(StripeEvent), row | {"created_at": at, "received_at": at})
    read = figures(visitor)
    assert [read[f'saldo_events{{state="{state}"}}'] for state in ("received", "failed", "parked")] == [0, 1, 2]
    assert 300 <= read["saldo_oldest_event_seconds"] < 400
    assert (read['saldo_refunds{state="pending"}'], read["saldo_stripe_key_refused"]) == (0, 0)


def test_metrics_tell_of_mails_that_wait(visitor: Visitor, ana: Visitor) -> None:
    assert figures(visitor)["saldo_mails"] == 1, "the one that confirms the address"


def test_metrics_answer_without_a_database(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("connection to 10.1.2.3 refused"))

    monkeypatch.setattr(db.engine.dialect, "do_execute", gone)
    read = figures(visitor)
    assert read["saldo_database_up"] == 0
    assert "saldo_mails" not in read


def test_metrics_take_nothing_from_a_request(visitor: Visitor) -> None:
    """Labels are fixed, so nobody can fill the memory or write into what Prometheus reads."""
    before = set(figures(visitor))
    visitor.see('/api/v1/customers/"}\n# evil 1', **{"User-Agent": "evil"})
    visitor.ask("PATCH", "/evil")
    assert set(figures(visitor)) == before
    with pytest.raises(KeyError):
        metrics.count("saldo_webhooks_refused_total", why="evil")
