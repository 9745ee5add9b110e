"""The little language of `docs/money.md`: each line is done to a real account by the real rules.

    2026-01-01 buy 100 credits for $10.00 as A
    2026-01-02 spend 80
    2026-01-03 refund A
    => balance -80, available 0, debt 80

A line may begin with a day, or a day and a time (UTC); without one it is still the same moment. `as NAME` gives what
was done a name. A line that begins with `=>` says what must be true then. Money is in dollars.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing import adjustments, clock, monthly_use, quotas, refunds, spending, subscriptions
from billing.db import db
from billing.errors import SaldoError
from billing.models import Grant
from billing.money import MICRO
from billing.spending import Order
from tests.billing.conftest import Calendar
from tests.billing.shop import Shop

CREDITS = r"(-?\d+(?:\.\d+)?)"
MONEY = r"\$(\d+\.\d\d)"
NAME = r"([A-Z][\w-]*)"
DATE = r"(\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?)"
WORD = r"([a-z]+)"

Step = Callable[..., object]
STEPS: list[tuple[re.Pattern[str], Step]] = []
CHECKS: list[tuple[re.Pattern[str], Step]] = []


def step(pattern: str) -> Callable[[Step], Step]:
    """Register what a line of this form does."""
    return lambda function: STEPS.append((re.compile(pattern), function)) or function


def check(pattern: str) -> Callable[[Step], Step]:
    """Register what a claim of this form is compared with: it answers what is true."""
    return lambda function: CHECKS.append((re.compile(pattern), function)) or function


class Story:
    """One example while it is being told."""

    def __init__(self, shop: Shop, calendar: Calendar) -> None:
        self.shop = shop
        self.calendar = calendar
        self.names: dict[str, Any] = {}
        self.refusal: SaldoError | None = None

    def tell(self, text: str) -> None:
        """Do every line and check every claim; raises ``AssertionError`` at the first that is not true."""
        for line in filter(None, map(str.strip, text.splitlines())):
            if line.startswith("=>"):
                for claim in line.removeprefix("=>").split(","):
                    self._check(claim.strip(), line)
                continue
            assert self.refusal is None, f"refused ({self.refusal}), and nothing says so before: {line}"
            self._do(line)
        assert self.refusal is None, f"refused, and nothing says so: {self.refusal}"

    def _do(self, line: str) -> None:
        dated = re.match(DATE + " ", line)
        if dated:
            self.calendar.to(dated[1])
        command, _, name = line[dated.end() if dated else 0 :].partition(" as ")
        function, words = _find(STEPS, command)
        try:
            made = function(self, *words)
        except SaldoError as error:
            self.refusal = error
        else:
            if name:
                self.names[name] = made
        db.session.rollback()

    def _check(self, claim: str, line: str) -> None:
        function, words = _find(CHECKS, claim)
        found = function(self, *words[:-1])
        assert found == words[-1], f"{line}\n   {claim}: really {found}"

    def paid(self, name: str) -> str:
        """The Stripe id of the session or invoice that a name stands for."""
        return str(self.names[name])

    def subscription(self, name: str) -> str:
        """The Stripe id of the subscription whose invoice a name stands for."""
        return self.shop.subscription_of(self.paid(name))

    def grants(self, name: str) -> list[Grant]:
        """The grants that what is named so has opened."""
        made = self.names[name]
        query = db.session.query(Grant).order_by(Grant.seq)
        if isinstance(made, int):
            return query.where(Grant.seq == made).all()
        return query.where(Grant.payment_id == self.shop.payment(made).id).all()


def _find(table: list[tuple[re.Pattern[str], Step]], text: str) -> tuple[Step, tuple[str, ...]]:
    for pattern, function in table:
        found = pattern.fullmatch(text)
        if found:
            return function, found.groups()
    raise AssertionError(f"not in the language: {text!r}")


def _micro(credits: str) -> int:
    return int(Decimal(credits) * MICRO)


def _shown(micro: int) -> str:
    return f"{Decimal(micro) / MICRO:f}".rstrip("0").rstrip(".") if micro % MICRO else str(micro // MICRO)


def _minor(money: str) -> int:
    return int(Decimal(money) * 100)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# ── what is for sale ─────────────────────────────────────────────────────────────────────────────────────────


@step(rf"plan {NAME} is {CREDITS} credits for {MONEY} a (month|year)(, all at once)?(, per seat)?(.*)")
def plan(
    story: Story, name: str, credits: str, money: str, interval: str, at_once: str | None, seats: str | None, more: str
) -> None:
    terms: dict[str, Any] = {"per_seat": seats is not None}
    if at_once:
        terms["yearly_grant"] = "upfront"
    if rolls := re.search(r"(\d+) % roll over", more):
        terms["rollover_percent"] = int(rolls[1])
    if trial := re.search(rf"{CREDITS} on trial", more):
        terms["trial_credits"] = int(trial[1])
    story.names[name] = story.shop.price(name.lower(), int(credits), _minor(money), interval, **terms)


@step(rf"fans of {WORD} get {CREDITS} credits for {MONEY} a month(?:, (\d+) days of grace)?")
def fans(story: Story, influencer: str, credits: str, money: str, grace: str | None) -> None:
    story.names[influencer] = story.shop.price(
        influencer, int(credits), _minor(money), kind="influencer", tier="basic", grace_days=int(grace or 0)
    )


# ── credits come ─────────────────────────────────────────────────────────────────────────────────────────────


@step(rf"give {CREDITS} credits(?: that end on {DATE})?(?: for {WORD} only)?")
def give(story: Story, credits: str, ends: str | None, influencer: str | None) -> int:
    return adjustments.grant_credits(
        story.shop.account_id,
        _micro(credits),
        "a gift",
        "staff:sam",
        expires_at=_moment(ends) if ends else None,
        scope=influencer,
    ).seq


@step(
    rf"buy {CREDITS} credits for {MONEY}"
    r"(?:, ending after (\d+) days)?(?:, spent at priority (\d+))?(, not heard of yet)?"
)
def buy(story: Story, credits: str, money: str, days: str | None, priority: str | None, unheard: str | None) -> str:
    price = story.shop.price(
        f"p{len(story.names)}-{len(story.shop.stripe.objects)}",
        int(credits),
        _minor(money),
        None,
        expires_after_days=int(days) if days else None,
        priority=int(priority or 50),
    )
    session = story.shop.buy(price)
    if not unheard:
        assert story.shop.tell(session) == "granted"
    return session


@step(
    rf"subscribe to ({NAME[1:-1]}|[a-z]+)(?: with (\d+) seats)?"
    rf"(?:, on trial until {DATE})?(, with a coupon for all of it)?"
)
def subscribe(story: Story, name: str, seats: str | None, trial: str | None, coupon: str | None) -> str:
    invoice = story.shop.subscribe(
        story.names[name],
        quantity=int(seats or 1),
        trial_until=_moment(trial) if trial else None,
        discounted=coupon is not None,
    )
    assert story.shop.tell(invoice) == "granted"
    return invoice


@step(rf"{NAME} renews")
def renew(story: Story, name: str) -> str:
    invoice = story.shop.renew(story.subscription(name))
    story.shop.tell(invoice)
    return invoice


@step(rf"{NAME} switches to (?:(\d+) seats|{NAME})")
def switch(story: Story, name: str, seats: str | None, plan: str | None) -> str:
    invoice: str = story.shop.switch(
        story.subscription(name), story.names[plan] if plan else None, int(seats) if seats else None
    )
    story.shop.tell(invoice)
    return invoice


@step(rf"{NAME} is (to end with its period|to go on|ended)")
def end(story: Story, name: str, how: str) -> None:
    subscription_id = story.subscription(name)
    if how == "ended":
        story.shop.end(subscription_id)
    else:
        story.shop.stripe.objects[subscription_id]["cancel_at_period_end"] = how != "to go on"
    story.shop.tell(subscription_id)


# ── credits go ───────────────────────────────────────────────────────────────────────────────────────────────


@step(rf"spend {CREDITS}(?: on {WORD})?")
def spend(story: Story, credits: str, influencer: str | None) -> str:
    return spending.debit(
        story.shop.account_id, Order(amount=_micro(credits), influencer=influencer), actor="app:studio"
    ).entry.id


@step(rf"give back(?: {CREDITS} of)? {NAME}")
def give_back(story: Story, credits: str | None, name: str) -> None:
    spending.refund_debit(story.names[name], _micro(credits) if credits else None, actor="app:studio")


@step(rf"hold {CREDITS}(?: for (\d+) hours)?")
def hold(story: Story, credits: str, hours: str | None) -> str:
    seconds = int(hours) * 3600 if hours else 900
    return spending.place_hold(story.shop.account_id, Order(amount=_micro(credits)), seconds, actor="app:studio").id


@step(rf"capture(?: {CREDITS} of)? {NAME}")
def capture(story: Story, credits: str | None, name: str) -> None:
    spending.capture_hold(story.names[name], _micro(credits) if credits else None)


@step(rf"void {NAME}")
def void(story: Story, name: str) -> None:
    spending.void_hold(story.names[name])


@step(r"make (\d+) (image|search)(?:s|es)?")
def make(story: Story, count: str, action: str) -> str | None:
    order = Order(action=action, quantity=int(count))
    entry = spending.debit(story.shop.account_id, order, actor="app:studio").entry
    return entry.id if entry is not None else None


@step(r"begin (\d+) (image|search)(?:s|es)?")
def begin(story: Story, count: str, action: str) -> str:
    order = Order(action=action, quantity=int(count))
    return spending.place_hold(story.shop.account_id, order, actor="app:studio").id


@step(rf"{NAME} fails: (moderation|timeout|provider_error|user_cancelled)")
def fail(story: Story, name: str, reason: str) -> None:
    spending.fail_hold(story.names[name], reason)


@step(r"staff set (images|searches) back")
def set_back(story: Story, resource: str) -> None:
    quotas.reset_quota(story.shop.account_id, resource, reason="asked for", actor="staff:sam")


@step(rf"the customer limits a month to {CREDITS}")
def limit_month(story: Story, credits: str) -> None:
    monthly_use.set_monthly_limit(story.shop.account_id, _micro(credits))


# ── money goes back ──────────────────────────────────────────────────────────────────────────────────────────


@step(
    rf"refund (?:{MONEY} of )?{NAME}"
    rf"(, credits kept|, what is unspent)?(, not through yet)?( in Stripe's Dashboard)?(, not heard of yet)?"
)
def refund(
    story: Story,
    money: str | None,
    name: str,
    mode: str | None,
    pending: str | None,
    dashboard: str | None,
    unheard: str | None,
) -> str:
    shop = story.shop
    status = "pending" if pending else "succeeded"
    amount = _minor(money) if money else None
    if dashboard:
        paid = shop.stripe.objects[story.paid(name)]
        refund_id = shop.dashboard_refund(paid["id"], amount or paid.get("amount_total") or paid["total"], status)
        if not unheard:
            shop.tell(refund_id)
        return refund_id
    shop.stripe.refund_status = status
    credits = {None: "proportional", ", credits kept": "keep", ", what is unspent": "unspent"}[mode]
    asked = shop.staff_refund(story.paid(name), amount, credits)
    return asked.stripe_id or asked.id  # one that waits for a second person is not at Stripe yet


@step(rf"a second person (approves {NAME}|turns {NAME} down)")
def decide_refund(story: Story, how: str, approved: str | None, turned_down: str | None) -> None:
    decide = refunds.approve_refund if approved else refunds.reject_refund
    decide(story.names[approved or turned_down or ""], actor="staff:kim")


@step(rf"{NAME} goes through")
def goes_through(story: Story, name: str) -> None:
    story.shop.decide(story.names[name], "succeeded")


@step(rf"{NAME} fails after all")
def fails(story: Story, name: str) -> None:
    story.shop.decide(story.names[name], "failed")


@step(rf"(dispute|inquiry) about {MONEY} of {NAME}")
def dispute(story: Story, what: str, money: str, name: str) -> str:
    status = "needs_response" if what == "dispute" else "warning_needs_response"
    dispute_id = story.shop.dispute(story.paid(name), _minor(money), status)
    story.shop.tell(dispute_id)
    return dispute_id


DECISIONS = {
    "won": "won",
    "lost": "lost",
    "a dispute now": "needs_response",
    "closed": "warning_closed",
    "appealed": "appeal_under_review",
}


@step(rf"{NAME} is ({'|'.join(DECISIONS)})")
def decide(story: Story, name: str, how: str) -> None:
    story.shop.decide(story.names[name], DECISIONS[how])


@step(rf"Stripe tells of {NAME}(?: (\d+) times)?")
def hear(story: Story, name: str, times: str | None) -> None:
    for _ in range(int(times or 1)):
        story.shop.tell(story.names[name])


@step("look")
def look(story: Story) -> None:
    story.shop.balance()


# ── what must be true ────────────────────────────────────────────────────────────────────────────────────────


@check(rf"(balance|available|held|frozen|debt) {CREDITS}")
def of_balance(story: Story, which: str) -> str:
    return _shown(getattr(story.shop.balance(), which))


@check(rf"available for {WORD} {CREDITS}")
def for_influencer(story: Story, influencer: str) -> str:
    view = story.shop.balance()
    return _shown(view.scoped.get(influencer, view.available))


@check(rf"expired {CREDITS}")
def expired(story: Story) -> str:
    return _shown(-sum(entry.amount for entry in story.shop.entries(reason="expired")))


@check(r"(images|searches) used (\d+)")
def of_quota(story: Story, resource: str) -> str:
    return str({each.resource: each.used for each in quotas.list_quotas(story.shop.account_id)}[resource])


@check(rf"spent this month {CREDITS}")
def this_month(story: Story) -> str:
    return _shown(monthly_use.spent_this_month(story.shop.account_id, clock.now()))


@check(rf"{NAME} has {CREDITS} left")
def left(story: Story, name: str) -> str:
    story.shop.balance()
    return _shown(sum(grant.remaining for grant in story.grants(name)))


@check(rf"granted by {NAME} {CREDITS}")
def granted(story: Story, name: str) -> str:
    story.shop.balance()
    return _shown(sum(grant.granted for grant in story.grants(name)))


@check(rf"taken back from {NAME} {CREDITS}")
def taken(story: Story, name: str) -> str:
    seqs = {grant.seq for grant in story.grants(name)}
    entries = {entry.id: entry for entry in story.shop.entries()}
    taken = {e.id: e.amount for e in entries.values() if e.kind == "REFUND" and e.amount < 0 and e.reverses}
    taken = {key: amount for key, amount in taken.items() if int(entries[key].reverses.split("_")[2]) in seqs}
    back = sum(entry.amount for entry in entries.values() if entry.reverses in taken)
    return _shown(-sum(taken.values()) - back)


@check(rf"next expiry {CREDITS} on {DATE}")
def next_expiry(story: Story, credits: str) -> str:
    found = story.shop.balance().next_expiry
    assert found is not None
    assert _shown(found[0]) == credits, f"{_shown(found[0])} expire next"
    return f"{found[1]:%Y-%m-%d}"


@check(rf"access to {WORD} (yes|no)")
def access(story: Story, influencer: str) -> str:
    return "yes" if subscriptions.access_to(story.shop.account_id, influencer).access else "no"


@check(r"last entry (\w+) (\w+) " + CREDITS)
def last_entry(story: Story, kind: str, reason: str) -> str:
    entry = story.shop.entries()[-1]
    assert (entry.kind, entry.reason) == (kind, reason), f"really {entry.kind} {entry.reason}"
    return _shown(entry.amount)


@check(r"refused: (\w+)")
def is_refused(story: Story) -> str:
    error, story.refusal = story.refusal, None
    return error.code if error is not None else "not at all"
