"""Credits set aside while a job runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Unpack

from saldo.answers import BriefBalance, Charge
from saldo.errors import JobFailed, SaldoError
from saldo.exact import Credits, credits, moment
from saldo.orders import FailureReason, Length

_log = logging.getLogger("saldo")


class Hold:
    """A hold, and a context manager around its job.

    Leaving the block captures it all, unless it was captured, voided or failed inside. `JobFailed(reason)` fails
    it by that reason; any other exception voids it, so that the customer pays nothing. The exception goes on.

    `kept` is True when Saldo could not be reached and the action may pass all the same (`fail_open`): then there
    is no hold at Saldo, and `id` is None; capturing keeps the charge on disk.
    """

    def __init__(
        self,
        end: Callable[[Hold, str, dict[str, Any]], Mapping[str, Any] | None],
        key: str,
        order: Mapping[str, Any],
        answer: Mapping[str, Any] | None,
    ) -> None:
        self._end = end
        self.key = key
        self.order = order
        self.customer: str = order["customer"]
        self.kept = answer is None
        self.id: str | None = None if answer is None else answer["id"]
        self.amount: Decimal | None = None if answer is None else credits(answer["amount"])
        self.expires_at: datetime | None = None if answer is None else moment(answer["expires_at"])
        balance = None if answer is None else answer.get("balance")
        self.balance: BriefBalance | None = None if balance is None else BriefBalance.read(balance)
        self.charge: Charge | None = None
        """What came of it, once captured (or failed with a share to pay)."""
        self.is_open = True

    def capture(self, amount: Credits | None = None, **length: Unpack[Length]) -> Charge:
        """Charge the hold: all of it, an `amount`, or what the real `units`, `quantity` or tokens cost.

        The rest is free at once. Raises `HoldExpired`, `HoldAlreadyCaptured`, `HoldAlreadyVoided`, `Invalid`
        (more than is held), `Unavailable`.
        """
        body: dict[str, Any] = dict(length)
        if amount is not None:
            body["amount"] = credits(amount)
        answer = self._end(self, "capture", body)
        return self._ended(Charge(amount=None, kept=True) if answer is None else Charge.read(answer))

    def void(self) -> None:
        """Set the credits free; nothing is charged."""
        self._end(self, "void", {})
        self.is_open = False

    def fail(self, reason: FailureReason) -> Charge:
        """The job failed: charges the share that the catalog gives for this reason, mostly nothing."""
        answer = self._end(self, "fail", {"reason": reason})
        return self._ended(Charge(amount=Decimal(0)) if answer is None else Charge.read(answer))

    def _ended(self, charge: Charge) -> Charge:
        self.charge = charge
        self.is_open = False
        return charge

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.is_open:
            return
        if error is None:
            self.capture()
            return
        try:
            if isinstance(error, JobFailed):
                self.fail(error.reason)  # type: ignore[arg-type]  # Saldo refuses a reason that it does not know
            else:
                self.void()
        except SaldoError as also:
            # The job's own error is what the caller must hear of; the hold ends by itself, charging nothing.
            _log.warning("hold %s could not be ended, it will expire: %s", self.id, also)

    def __repr__(self) -> str:
        return f"<Hold {self.id or 'kept on disk'} {self.amount if self.amount is not None else ''}>"
