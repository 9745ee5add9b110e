"""`Saldo`: the calls an app needs, one method each."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar, Unpack

from saldo.answers import Access, Balance, Charge, CheckoutSession, Entry, EventResult, Page, Quota, Quote
from saldo.decorating import CustomerOf, under_hold
from saldo.errors import Unavailable
from saldo.exact import Credits, credits, dumps, write_moment
from saldo.holds import Hold
from saldo.kept import KeptCharge, KeptCharges, Kind
from saldo.orders import Event, Job, Order
from saldo.settling import Background, Settled, Settler, event_of
from saldo.transport import Transport, segment

MAX_EVENTS = 1000

_ENDS = uuid.UUID("6f1c2b1e-52c0-4a52-9d0b-2f5c3f6f8d11")
"""Namespace of the keys that ends of holds have."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Saldo:
    """One app's way to its Saldo. Make one and share it: threads and forked processes are fine.

    `timeout` and `connect_timeout` are seconds of one try. A try that fails for no fault of the request (no
    answer, 5xx, 429 `rate_limited`) is repeated `retries` times, after growing gaps and as `Retry-After` says,
    unless that is more than `longest_wait` seconds.

    `fail_open` names actions that pass while Saldo cannot be reached. Their charges are kept in the file
    `kept_in` and settled every `settle_every` seconds in the background (None: call `settle()` yourself).
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = 10.0,
        connect_timeout: float = 2.0,
        retries: int = 3,
        longest_wait: float = 10.0,
        fail_open: Collection[str] = (),
        kept_in: str | os.PathLike[str] | None = None,
        settle_every: float | None = 15.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if isinstance(fail_open, str):
            raise TypeError('fail_open is a set of actions: {"story.generate"}')
        if fail_open and kept_in is None:
            raise ValueError("fail_open needs kept_in: the file in which charges wait for Saldo to come back")
        self._transport = Transport(
            base_url,
            api_key,
            timeout=timeout,
            connect_timeout=connect_timeout,
            retries=retries,
            longest_wait=longest_wait,
            sleep=sleep,
        )
        self._fail_open = frozenset(fail_open)
        self._kept = None if kept_in is None else KeptCharges(kept_in)
        self._settler = None if self._kept is None else Settler(self._transport, self._kept)
        self._background: Background | None = None
        if self._settler is not None and settle_every is not None:
            self._background = Background(self._settler, settle_every)

    # What something costs, and spending

    def quote(self, customer: str, action: str, **job: Unpack[Job]) -> Quote:
        """What an action would cost this customer, and what would stop it. Charges nothing."""
        return Quote.read(self.call("POST", "/quotes", body={"customer": customer, "action": action, **job}))

    def debit(
        self,
        customer: str,
        action: str | None = None,
        *,
        amount: Credits | None = None,
        key: str | None = None,
        **order: Unpack[Order],
    ) -> Charge:
        """Charge an action of the catalog, or an `amount` of credits, at once.

        `key`: your own Idempotency-Key, such as the id of a job that may be started again after a crash; the same
        key is charged once, ever. Raises `InsufficientCredits`, `QuotaExceeded`, `SubscriptionRequired`.
        """
        body = _order(customer, action, amount, order)
        sent_as = key or new_key()
        try:
            return Charge.read(self.call("POST", "/debits", body=body, key=sent_as))
        except Unavailable as error:
            if not self._may_pass(action):
                raise
            if error.maybe_done or key is not None:
                # Only the same call under the same key is sure to charge once: it may have arrived, or the app may
                # say its own key again.
                self._keep(sent_as, "debit", "/debits", body)
            else:
                self._keep(sent_as, "usage", "/usage", event_of(sent_as, body, _now()))
            return Charge(amount=None, kept=True)

    def refund(
        self, debit: str | Entry, amount: Credits | None = None, *, reason: str | None = None, key: str | None = None
    ) -> Entry:
        """Give a debit back, all of it or an `amount`; never more than was taken."""
        debit_id = debit.id if isinstance(debit, Entry) else debit
        body = _present(amount=None if amount is None else credits(amount), reason=reason)
        path = f"/debits/{segment(debit_id)}/refunds"
        return Entry.read(self.call("POST", path, body=body, key=key or new_key()))

    def hold(
        self,
        customer: str,
        action: str | None = None,
        *,
        amount: Credits | None = None,
        expires_in: int | None = None,
        key: str | None = None,
        **order: Unpack[Order],
    ) -> Hold:
        """Set credits aside for a job, by default for 15 minutes: `with credits.hold(…) as hold:`.

        Raises as `debit`.
        """
        body = _order(customer, action, amount, order)
        sent = body if expires_in is None else {**body, "expires_in": expires_in}
        key = key or new_key()
        try:
            answer = self.call("POST", "/holds", body=sent, key=key)
        except Unavailable:
            if not self._may_pass(action):
                raise
            answer = None  # if one was placed after all, it expires by itself
        return Hold(self._end, key, body, answer)

    def charged(
        self, action: str, *, customer: CustomerOf, expires_in: int | None = None, **order: Unpack[Order]
    ) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
        """Decorator: each call of the function is a job under a hold, captured when it returns.

        `customer` is the name of the argument that holds the customer's id, or a function of the arguments. A
        parameter called `hold` that the caller leaves out gets the hold: `hold.capture(units=…)`.
        """

        def place_hold(who: str) -> Hold:
            return self.hold(who, action, expires_in=expires_in, **order)

        return lambda job: under_hold(job, customer, place_hold)

    def usage(self, events: Iterable[Event]) -> list[EventResult]:
        """Record what has been used already, in batches. Each event's `id` makes it count once.

        A rejected event has left nothing behind and may be sent again. Raises only when a whole batch fails.
        """
        waiting = [dict(event) for event in events]
        results: list[EventResult] = []
        for start in range(0, len(waiting), MAX_EVENTS):
            answer = self.call("POST", "/usage", body={"events": waiting[start : start + MAX_EVENTS]})
            results.extend(map(EventResult.read, answer["results"]))
        return results

    # What a customer has

    def ensure_customer(
        self, customer: str, *, email: str | None = None, name: str | None = None, locale: str | None = None
    ) -> Mapping[str, Any]:
        """Make the customer, with the free plan's credits, unless there is one of this id."""
        answer = self.call("POST", "/customers", body=_present(id=customer, email=email, name=name, locale=locale))
        return dict(answer)

    def balance(self, customer: str) -> Balance:
        """What a customer has and can spend."""
        return Balance.read(self.call("GET", f"/customers/{segment(customer)}/balance"))

    def quotas(self, customer: str) -> list[Quota]:
        """The limits of a customer's plan, and how much of each is used."""
        return [Quota.read(quota) for quota in self.call("GET", f"/customers/{segment(customer)}/quotas")["data"]]

    def access(self, customer: str, influencer: str) -> Access:
        """Whether a customer may see what an influencer shares with subscribers."""
        return Access.read(self.call("GET", f"/customers/{segment(customer)}/access/{segment(influencer)}"))

    def entries(
        self, customer: str, *, reference: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """One page of a customer's history; by `reference`, the receipt of one job."""
        query = _present(reference=reference, limit=limit, cursor=cursor)
        return Page.read(self.call("GET", f"/customers/{segment(customer)}/entries", query=query))

    def every_entry(self, customer: str, *, reference: str | None = None) -> Iterator[Entry]:
        """The whole history, newest first, read page by page as it is needed."""
        cursor: str | None = None
        while True:
            page = self.entries(customer, reference=reference, limit=100, cursor=cursor)
            yield from page.entries
            cursor = page.next_cursor
            if cursor is None:
                return

    def actions(self) -> list[Mapping[str, Any]]:
        """The price list."""
        return list(self.call("GET", "/actions")["data"])

    # Giving and selling

    def grant(
        self,
        customer: str,
        amount: Credits,
        description: str,
        *,
        expires_at: datetime | None = None,
        influencer: str | None = None,
        key: str | None = None,
    ) -> Entry:
        """Give credits for nothing. Needs a key with `billing:write`."""
        body = _present(
            customer=customer,
            amount=credits(amount),
            description=description,
            expires_at=expires_at,
            influencer=influencer,
        )
        return Entry.read(self.call("POST", "/credits", body=body, key=key or new_key()))

    def checkout(self, customer: str, *, key: str | None = None, **wish: str | int) -> CheckoutSession:
        """Where to send a customer to buy: `pack=`, or `plan=` and `interval=`, or `influencer=` and `tier=`."""
        body = {"customer": customer, **wish}
        return CheckoutSession.read(self.call("POST", "/checkout-sessions", body=body, key=key or new_key()))

    # Everything else, and what waits on disk

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Any:
        """Any call of the API, `path` below `/api/v1`, with the same retries and errors; answers its JSON."""
        if self._background is not None:
            self._background.ensure_running()
        return self._transport.call(method, path, body=body, query=query, key=key)

    def settle(self) -> Settled:
        """Send the kept charges that are due now. Safe to call from everywhere, at any time."""
        return Settled(0, 0) if self._settler is None else self._settler.settle()

    def kept(self) -> list[KeptCharge]:
        """What waits on disk; `refused_as` says why Saldo did not take it, if it has been asked."""
        return [] if self._kept is None else self._kept.all()

    def give_up(self, charge_id: str) -> None:
        """Drop a kept charge for good: it will never be charged."""
        if self._kept is not None:
            self._kept.forget(charge_id)

    def close(self) -> None:
        """Stop settling in the background; what waits stays on disk for the next start."""
        if self._background is not None:
            self._background.stop()

    def __enter__(self) -> Saldo:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _may_pass(self, action: str | None) -> bool:
        return action is not None and action in self._fail_open

    def _keep(
        self, key: str, kind: Kind, path: str, body: Mapping[str, Any], event: Mapping[str, Any] | None = None
    ) -> None:
        assert self._kept is not None, "fail_open without kept_in is refused at the start"
        self._kept.keep(key, kind, path, body, event)

    def _end(self, hold: Hold, verb: str, body: dict[str, Any]) -> Mapping[str, Any] | None:
        """End a hold; None when the charge is kept on disk, or there is none to tell Saldo of."""
        # The same end of the same hold has the same key: said twice, it is done once.
        key = str(uuid.uuid5(_ENDS, f"{hold.key} {verb} {dumps(body)}"))
        event = event_of(key, {**hold.order, **body}, _now())
        if hold.id is None:
            if verb == "capture":
                once = str(uuid.uuid5(_ENDS, hold.key))
                self._keep(once, "usage", "/usage", {**event, "id": once})
            return None
        path = f"/holds/{segment(hold.id)}/{verb}"
        try:
            return dict(self.call("POST", path, body=body, key=key))
        except Unavailable:
            if verb != "capture" or not self._may_pass(hold.order.get("action")):
                raise
            self._keep(key, "capture", path, body, event)
            return None


def new_key() -> str:
    """A fresh Idempotency-Key."""
    return uuid.uuid4().hex


def _order(customer: str, action: str | None, amount: Credits | None, order: Mapping[str, Any]) -> dict[str, Any]:
    if (action is None) == (amount is None):
        raise TypeError("name an action of the catalog, or an amount of credits")
    return _present(customer=customer, action=action, amount=None if amount is None else credits(amount), **order)


def _present(**fields: Any) -> dict[str, Any]:
    """The fields that are there: Saldo takes no others."""
    return {name: value for name, value in fields.items() if value is not None}


def _now() -> str:
    return write_moment(datetime.now(UTC))
