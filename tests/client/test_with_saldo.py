"""The client in front of the real Saldo: what is charged, what is not, and that it is charged once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from saldo import (
    HoldAlreadyCaptured,
    InsufficientCredits,
    Invalid,
    JobFailed,
    NotFound,
    QuotaExceeded,
    Saldo,
    Settled,
    SubscriptionRequired,
    Unauthenticated,
    Unavailable,
)

from billing import api_keys
from billing.adjustments import grant_credits
from billing.db import db
from billing.money import MICRO
from config import Settings, load_settings
from tests.client.live import Live, live

CATALOG = """
currency = "usd"
[free_plan]
name = "Free"
signup_credits = 100
quotas = { searches = 2 }

[quotas.searches]
name = "Searches"
period = "lifetime"

[influencers.luna]
name = "Luna"
[influencers.luna.tiers.basic]
name = "Basic"
price = 9

[actions.image]
name = "Image"
cost = 5
on_failure = { moderation = 100 }

[actions.audio]
name = "Audio"
kind = "per_unit"
cost = 1
per = 15
unit = "second"

[actions.search]
name = "Search"
cost = "0.003"
quotas = ["searches"]

[actions.chat]
name = "Chat"
cost = 1
requires_influencer = true
"""


@pytest.fixture
def settings(environ: dict[str, str], tmp_path: Path) -> Settings:
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(CATALOG, encoding="utf-8")
    return load_settings(environ | {"CATALOG": str(catalog)})


@pytest.fixture
def running(app: Flask) -> Iterator[Live]:
    with live(app) as server:
        yield server


@pytest.fixture
def key(app: Flask) -> str:
    secret = api_keys.create_key("studio", api_keys.SCOPES).secret
    db.session.rollback()
    return secret


@pytest.fixture
def credits(running: Live, key: str, tmp_path: Path) -> Saldo:
    """A client whose images pass while Saldo is away; `ada` has 100 credits."""
    client = Saldo(
        running.url,
        key,
        retries=1,
        sleep=lambda _: None,
        fail_open={"image", "audio"},
        kept_in=tmp_path / "kept.sqlite3",
        settle_every=None,
    )
    client.ensure_customer("ada", email="ada@example.com")
    return client


def spent(credits: Saldo) -> Decimal:
    return 100 - credits.balance("ada").balance


def test_quotes_holds_captures_and_shows_the_receipt(credits: Saldo) -> None:
    quote = credits.quote("ada", "image")
    assert (quote.amount, quote.available, quote.affordable, quote.blocked_by) == (5, 100, True, None)
    with credits.hold("ada", "image", quote=quote.id, reference="job-1", metadata={"seed": 7}) as hold:
        assert credits.balance("ada").available == 95
    assert hold.charge is not None
    assert hold.charge.amount == 5
    (entry,) = credits.entries("ada", reference="job-1").entries
    assert (entry.amount, entry.action, entry.metadata) == (-5, "image", {"seed": 7})


def test_charges_nothing_for_a_job_that_raised(credits: Saldo) -> None:
    with pytest.raises(ZeroDivisionError), credits.hold("ada", "image"):
        1 / 0  # noqa: B018
    with pytest.raises(JobFailed), credits.hold("ada", "image"):
        raise JobFailed("provider_error")
    balance = credits.balance("ada")
    assert (balance.available, balance.held) == (100, 0)


def test_charges_what_the_catalog_says_of_a_failure(credits: Saldo) -> None:
    hold = credits.hold("ada", "image")
    assert hold.fail("moderation").amount == 5
    assert spent(credits) == 5


def test_captures_the_real_length(credits: Saldo) -> None:
    with credits.hold("ada", "audio", units=60) as hold:
        assert hold.amount == 4
        assert hold.capture(units=16).amount == 2
    assert spent(credits) == 2
    with pytest.raises(HoldAlreadyCaptured):
        hold.capture(units=1)


def test_debits_fractions_exactly_and_gives_them_back(credits: Saldo) -> None:
    charge = credits.debit("ada", amount="0.000001")
    assert spent(credits) == Decimal("0.000001")
    assert charge.debit is not None
    assert credits.refund(charge.debit).amount == Decimal("0.000001")
    assert spent(credits) == 0


def test_raises_what_stops_an_action_with_the_way_out(credits: Saldo) -> None:
    with pytest.raises(InsufficientCredits) as short:
        credits.debit("ada", amount=150)
    assert (short.value.required, short.value.available, short.value.shortfall) == (150, 100, 50)
    assert short.value.link
    credits.debit("ada", "search", quantity=2)
    with pytest.raises(QuotaExceeded) as full:
        credits.debit("ada", "search")
    assert (full.value.resource, full.value.limit, full.value.period) == ("searches", 2, "lifetime")
    assert full.value.link
    with pytest.raises(SubscriptionRequired) as closed:
        credits.debit("ada", "chat", influencer="luna")
    assert closed.value.link
    assert credits.access("ada", "luna").access is False
    assert credits.quotas("ada")[0].remaining == 0


def test_raises_what_is_wrong_with_a_request(credits: Saldo, running: Live) -> None:
    with pytest.raises(Invalid):
        credits.debit("ada", "nothing-like-it")
    with pytest.raises(Invalid) as missing:
        credits.debit("ada", "audio")
    assert missing.value.status == 422
    with pytest.raises(NotFound):
        credits.balance("nobody")
    with pytest.raises(Unauthenticated):
        Saldo(running.url, "sk_saldo_wrong").balance("ada")


def test_charges_one_key_once_among_many_threads(credits: Saldo) -> None:
    with ThreadPoolExecutor(8) as pool:
        charges = list(pool.map(lambda _: credits.debit("ada", "image", key="job-1"), range(16)))
    assert len({charge.debit.id for charge in charges if charge.debit}) == 1
    assert spent(credits) == 5


def test_records_a_batch_once(credits: Saldo) -> None:
    events = [{"id": f"e{number}", "customer": "ada", "action": "image"} for number in range(3)]
    for expected in ("recorded", "duplicate"):
        results = credits.usage(events)  # type: ignore[arg-type]
        assert [result.status for result in results] == [expected] * 3
    assert spent(credits) == 15


def test_settles_once_what_was_done_while_saldo_was_away(credits: Saldo, running: Live) -> None:
    running.stop()
    with pytest.raises(Unavailable):
        credits.debit("ada", "search")
    assert credits.debit("ada", "image").kept
    with credits.hold("ada", "audio", units=60) as hold:
        hold.capture(units=30)
    running.start()
    assert spent(credits) == 0
    workers = [threading.Thread(target=credits.settle) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert credits.kept() == []
    assert spent(credits) == 7


def test_charges_once_a_debit_whose_answer_got_lost(credits: Saldo, running: Live) -> None:
    lost = LosingAnswers(credits)
    assert credits.debit("ada", "image").kept
    lost.end()
    with credits.hold("ada", "image"):
        lost.begin()
    lost.end()
    assert spent(credits) == 10, "both were done, though nobody heard of it"
    assert credits.settle() == Settled(taken=2, waiting=0)
    assert spent(credits) == 10


def test_charges_a_job_whose_hold_expired_before_it_could_be_captured(credits: Saldo, running: Live, clock) -> None:  # type: ignore[no-untyped-def]
    with credits.hold("ada", "image", expires_in=60):
        running.stop()
    clock.advance(minutes=2)
    running.start()
    assert credits.settle() == Settled(taken=1, waiting=0)
    assert spent(credits) == 5
    assert credits.balance("ada").held == 0


def test_keeps_a_charge_until_its_customer_can_pay(credits: Saldo, running: Live, app: Flask) -> None:
    credits.debit("ada", amount=98)
    running.stop()
    credits.debit("ada", "image")
    running.start()
    assert credits.settle() == Settled(taken=0, waiting=1)
    (kept,) = credits.kept()
    assert kept.refused_as == "insufficient_credits"
    account_id = int(credits.balance("ada").grants[0].id.split("_")[1])
    grant_credits(account_id, 10 * MICRO, "gift", "operator")
    db.session.rollback()
    credits._kept._now = lambda: kept.kept_at + 3600  # type: ignore[union-attr]
    assert credits.settle() == Settled(taken=1, waiting=0)
    assert credits.balance("ada").balance == 7


class LosingAnswers:
    """Lets requests through and loses what comes back, as a line that breaks does."""

    def __init__(self, credits: Saldo) -> None:
        self._transport = credits._transport
        self._once = self._transport._once
        self.begin()

    def begin(self) -> None:
        def once(*request: object) -> None:
            self._once(*request)  # type: ignore[arg-type]
            raise Unavailable(0, {"code": "unreachable"})

        self._transport._once = once  # type: ignore[method-assign,assignment]

    def end(self) -> None:
        self._transport._once = self._once  # type: ignore[method-assign]
