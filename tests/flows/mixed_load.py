"""All that goes on at once in a busy shop: debits, holds, captures, money back, checkouts and Stripe's events.

Each act carries a key of its own and is remembered with what was answered, so that afterwards one can say of every
single one whether it happened, and how often.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import requests
from sqlalchemy import update

from billing.db import transaction
from billing.models import Reply
from tests.flows.conftest import Town

CUSTOMERS = 4
THREADS = 6
SECONDS = 60
PACK = 100
REFUND_MINOR = 100
"""Of a pack's 4.99: at most four of these go back."""

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

REFUSED = (402, 409, 422)
"""Too few credits; what somebody else was quicker with; more than is left. None of them has an effect."""
CUT_OFF = (0, 503)
"""No answer, or not now: whether it happened shows when it is asked for again with the same key."""


@dataclass
class Act:
    """One call; `status` is 0 until there was an answer, which took so many `seconds` the last time."""

    kind: str
    path: str
    body: dict[str, Any]
    key: str
    status: int = 0
    answer: Any = None
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Whether it was acknowledged."""
        return 200 <= self.status < 300


@dataclass
class MixedLoad:
    """Customers, what they do, and what Stripe has to tell of it."""

    town: Town
    secret: str
    customers: list[str]
    acts: list[Act] = field(default_factory=list)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    paid: list[str] = field(default_factory=list)
    cut_off: int = 0
    unavailable: int = 0
    """How often the answer was 503."""

    def __post_init__(self) -> None:
        self._chance = random.Random()
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._taken: set[str] = set()
        self._unpaid: list[str] = []
        self._payments: list[str] = []

    @contextmanager
    def going_on(self, threads_at_once: int = THREADS) -> Iterator[None]:
        """Everybody does one thing after the other while the block runs, and until the server is gone."""
        over = threading.Event()
        threads = [threading.Thread(target=self._work, args=(over,)) for _ in range(threads_at_once)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(SECONDS * 2)

    def pay(self) -> None:
        """Somebody pays at Stripe; it tells of that whenever `going_on` delivers."""
        known = set(self.events)
        while self._unpaid:
            session = self._unpaid.pop()
            if session not in self.paid:
                self.town.sandbox.pay(session)
                self.paid.append(session)
        fresh = [event for event in self.town.events() if event["id"] not in known]
        self.events |= {event["id"]: event for event in fresh}
        self._payments = [
            payment["id"]
            for customer in self.customers
            for payment in self.town.installation.api(f"customers/{customer}/payments", limit=100)["data"]
        ]

    def _work(self, over: threading.Event) -> None:
        while not over.is_set():
            if not (self._deliver() if self._chance.random() < 0.25 else self.ask(self._choose())):
                self.cut_off += 1
                return

    def ask(self, act: Act) -> bool:
        """Do it, or do it again with the same key; false when nobody answered."""
        begun_at = time.perf_counter()
        try:
            answer = requests.post(
                f"{self.town.installation.url}/api/v1/{act.path}",
                json=act.body,
                headers={"Authorization": f"Bearer {self.secret}", "Idempotency-Key": act.key},
                timeout=SECONDS,
            )
        except requests.RequestException:
            act.status = 0
            return False
        act.status, act.answer, act.seconds = answer.status_code, answer.json(), time.perf_counter() - begun_at
        self.unavailable += act.status == 503
        assert act.done or act.status in (*REFUSED, *CUT_OFF), (act, answer.text)
        if act.kind == "checkout" and act.done:
            self._unpaid.append(act.answer["id"])
        return True

    def _deliver(self) -> bool:
        waiting = [event for event in self.events.values() if event["id"] not in self.acknowledged]
        if not waiting:
            return True
        event = self._chance.choice(waiting[-20:])
        status = self.town.deliver(event)
        assert status in (0, 200, 503)
        self.unavailable += status == 503
        if status == 200:
            self.acknowledged.add(event["id"])
        return status != 0

    def _choose(self) -> Act:
        """What somebody does next; most of it is spending."""
        customer = self._chance.choice(self.customers)
        kinds = ["debit"] * 6 + ["hold"] * 4 + ["capture", "void"] * 2 + ["give_back"] * 2 + ["checkout", "refund"]
        kind = self._chance.choice(kinds)
        number = next(self._numbers)
        key = f"{kind}-{number}"
        made: Act | None = None
        if kind in ("capture", "void"):
            hold = self._take("hold")
            made = hold and Act(kind, f"holds/{hold.answer['id']}/{kind}", {}, key)
            if made and kind == "capture":
                made.body["amount"] = 0.5
        elif kind == "give_back":
            debit = self._take("debit")
            made = debit and Act(kind, f"debits/{debit.answer['debit']['id']}/refunds", {"amount": 0.25}, key)
        elif kind == "refund" and self._payments:
            body = {"payment": self._chance.choice(self._payments), "amount_minor": REFUND_MINOR}
            made = Act(kind, "refunds", {**body, "credits": "proportional", "reason": "duplicate"}, key)
        elif kind == "checkout":
            made = Act(kind, "checkout-sessions", {"customer": customer, "pack": "small"}, key)
        elif kind == "hold":
            made = Act(kind, "holds", {"customer": customer, "amount": 1, "expires_in": 86400, "reference": key}, key)
        if made is None:
            made = Act("debit", "debits", {"customer": customer, "amount": 0.5, "reference": key}, key)
        with self._lock:
            self.acts.append(made)
        return made

    def _take(self, kind: str) -> Act | None:
        """An act of this kind that was acknowledged and that nobody has gone on with."""
        with self._lock:
            found = next((act for act in reversed(self.acts) if self._is_free(act, kind)), None)
            if found is not None:
                self._taken.add(found.key)
            return found

    def _is_free(self, act: Act, kind: str) -> bool:
        return act.kind == kind and act.done and act.key not in self._taken

    # what must be true when all is over

    def ask_again(self) -> None:
        """Ask again for whatever was cut off, with its key, until it has an answer."""
        self._end_leases()
        give_up_at = time.monotonic() + SECONDS * 2
        for act in self.acts:
            while act.status in CUT_OFF or (act.status == 409 and act.answer["code"] == "idempotency_in_progress"):
                assert time.monotonic() < give_up_at, act
                self.ask(act)
        for event in self.events.values():
            if event["id"] not in self.acknowledged:
                assert self.town.deliver(event) == 200

    def _end_leases(self) -> None:
        """Let the 90 seconds pass that a call to Stripe counts as under way, though its process has died."""
        with self.town.installation.inside() as app, app.app_context(), transaction() as write:
            write.execute(update(Reply).where(Reply.leased_until.is_not(None)).values(leased_until=LONG_AGO))

    def assert_each_happened_once(self) -> None:
        """What was acknowledged stands in the books, once; what was refused does not; and nothing else does."""
        entries = [entry for customer in self.customers for entry in self._entries(customer)]
        found = {entry["id"]: entry for entry in entries}
        expected: Counter[str] = Counter()
        for act in self.acts:
            if not act.done:
                continue
            if act.kind == "debit":
                assert found[act.answer["debit"]["id"]]["reference"] == act.key
                expected["amount"] += 1
            elif act.kind == "capture":
                assert found[act.answer["debit"]["id"]]["amount"] == -0.5
                expected["amount"] += 1
            elif act.kind == "give_back":
                assert found[act.answer["id"]]["amount"] == 0.25
                expected["debit_refunded"] += 1
            elif act.kind == "hold":
                assert act.answer["status"] == "active"
        told = Counter(entry["reason"] for entry in entries)
        assert {reason: told[reason] for reason in ("amount", "debit_refunded")} == dict(expected)
        references = Counter(entry["reference"] for entry in entries if entry["reason"] == "amount")
        assert max(references.values()) == 1 or references.most_common(1)[0][0] is None
        assert told["pack"] == len(self.paid) == len(set(self.paid))

    def assert_holds_stand(self) -> None:
        """Each hold is what was last acknowledged of it."""
        last = {act.answer["id"]: "active" for act in self.acts if act.kind == "hold" and act.done}
        for act in self.acts:
            if act.kind in ("capture", "void") and act.done:
                last[act.answer["hold"]["id"]] = {"capture": "captured", "void": "voided"}[act.kind]
        for hold_id, status in last.items():
            assert self.town.installation.api(f"holds/{hold_id}")["status"] == status

    def assert_money_went_back_once(self) -> None:
        """Every refund that was acknowledged is one refund at Stripe, and no other is there."""
        asked = {act.answer["id"] for act in self.acts if act.kind == "refund" and act.done}
        found = [refund["id"] for refund in self._refunds()]
        assert len(found) == len(set(found))
        assert set(found) <= asked
        for refund_id in asked:
            status = self._get(f"refunds/{refund_id}")["status"]
            assert (status == "succeeded") == (refund_id in found), (refund_id, status)

    def _get(self, path: str) -> dict[str, Any]:
        url = f"{self.town.installation.url}/api/v1/{path}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {self.secret}"}, timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _refunds(self) -> Iterator[dict[str, Any]]:
        listed = self.town.sandbox.client.v1.refunds.list({"limit": 100})
        for refund in listed.auto_paging_iter():
            yield {"id": (refund.metadata or {})["saldo_refund"]}

    def _entries(self, customer: str) -> Iterator[dict[str, Any]]:
        cursor: dict[str, str] = {}
        while True:
            page = self.town.installation.api(f"customers/{customer}/entries", limit=100, **cursor)
            yield from page["data"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}


def begin(town: Town, name: str) -> MixedLoad:
    """Customers with credits, and an app that may do everything for them."""
    scopes = [f"--scope={scope}" for scope in ("credits:read", "credits:spend", "refunds:write", "billing:write")]
    secret = town.installation.command("keys", "create", name, *scopes).splitlines()[-1]
    load = MixedLoad(town, secret, [f"{name}-{number}" for number in range(CUSTOMERS)])
    for customer in load.customers:
        answer = requests.post(
            f"{town.installation.url}/api/v1/customers",
            json={"id": customer, "email": f"{customer}@example.com"},
            headers={"Authorization": f"Bearer {secret}"},
            timeout=SECONDS,
        )
        assert answer.status_code == 201, answer.text
        given = {"customer": customer, "amount": 1_000_000, "description": "to spend"}
        act = Act("credits", "credits", given, f"credits-{customer}")
        assert load.ask(act)
        assert act.done
    return load
