"""Telling Saldo of kept charges once it answers again, each exactly once."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saldo.errors import (
    ApiError,
    HoldAlreadyCaptured,
    HoldExpired,
    Invalid,
    MissingScope,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from saldo.kept import KeptCharge, KeptCharges
from saldo.transport import Transport

BATCH = 500
"""Events in one call; Saldo takes up to 1000."""

_PRICED_BY = {"action", "quantity", "units", "model", "input_tokens", "output_tokens"}

_log = logging.getLogger("saldo")


@dataclass(frozen=True, slots=True)
class Settled:
    """How many charges Saldo has taken now, and how many wait on."""

    taken: int
    waiting: int


class Settler:
    """Sends kept charges. Any number of threads and processes may do so at once: ids make it exactly once."""

    def __init__(self, transport: Transport, kept: KeptCharges) -> None:
        self._transport = transport
        self._kept = kept

    def settle(self) -> Settled:
        """Send everything that is due; stops early when Saldo does not answer.

        Raises `Unauthenticated` and `MissingScope`.
        """
        taken = 0
        while charges := self._kept.claim(BATCH):
            events = [charge for charge in charges if charge.kind == "usage"]
            calls = [charge for charge in charges if charge.kind != "usage"]
            try:
                taken += self._record(events) if events else 0
                for call in calls:
                    taken += self._repeat(call)
            except (Unavailable, RateLimited):
                self._kept.put_back(charges)
                break
            except ApiError:
                self._kept.put_back(charges)  # a revoked key is no charge's fault
                raise
        return Settled(taken, len(self._kept))

    def _record(self, charges: Sequence[KeptCharge]) -> int:
        """By `POST /usage`; a duplicate is one that Saldo has taken before."""
        try:
            answer = self._transport.call("POST", "/usage", body={"events": [charge.body for charge in charges]})
        except Invalid as error:
            if len(charges) == 1:
                self._refused(charges[0].id, error.code)
                return 0
            # One event that cannot be read spoils the whole batch: the others go by themselves.
            return sum(self._record([charge]) for charge in charges)
        taken = 0
        for result in answer["results"]:
            if result["status"] == "rejected":
                self._refused(result["id"], result.get("code") or "rejected")
            else:
                self._kept.forget(result["id"])
                taken += 1
        return taken

    def _repeat(self, charge: KeptCharge) -> int:
        """The very call again under its key: if it had arrived, Saldo answers what it answered then."""
        try:
            self._transport.call("POST", charge.path, body=charge.body, key=charge.id)
        except HoldAlreadyCaptured:
            pass  # by this very call, longer ago than Saldo remembers its answer
        except HoldExpired:
            self._kept.record_instead(charge)
            return 0
        except (Unavailable, RateLimited, Unauthenticated, MissingScope):
            raise
        except ApiError as error:
            self._refused(charge.id, error.code)
            return 0
        self._kept.forget(charge.id)
        return 1

    def _refused(self, charge_id: str, code: str) -> None:
        _log.warning("Saldo does not take the kept charge %s for now: %s", charge_id, code)
        self._kept.refused(charge_id, code)


class Background:
    """Settles from time to time in a daemon thread, one in each process that spends."""

    def __init__(self, settler: Settler, every_seconds: float) -> None:
        self._settler = settler
        self._every = every_seconds
        self._stop = threading.Event()
        self._pid: int | None = None

    def ensure_running(self) -> None:
        """Start the thread unless this process has it; a fork does not inherit threads."""
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self._stop = threading.Event()
        threading.Thread(target=self._run, args=(self._stop,), name="saldo-settling", daemon=True).start()

    def stop(self) -> None:
        """End the thread soon; what waits stays on disk."""
        self._stop.set()
        self._pid = None

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self._every):
            try:
                self._settler.settle()
            except Exception:  # the thread has nobody to tell, and must live on: charges wait for it
                _log.exception("settling kept charges failed; it is tried again")


def event_of(charge_id: str, order: Mapping[str, Any], occurred_at: str) -> dict[str, Any]:
    """An order as an event of `POST /usage`, with the price it has when Saldo is back.

    A quote is left out, as it may have ended by then; an `amount` stands in place of the action it was for.
    """
    left_out = {"quote"} | (_PRICED_BY if "amount" in order else set())
    return {
        "id": charge_id,
        **{name: value for name, value in order.items() if name not in left_out},
        "occurred_at": occurred_at,
    }
