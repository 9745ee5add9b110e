"""What time it is, in two ways, and calendar months that do not drift.

Business time (`now`) decides grants, holds, quotes, quotas and periods; it is real time plus the offset that
a test clock file may hold. Real time (`wall_now`) decides signatures, logins and time-outs.
"""

from __future__ import annotations

import calendar
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

MAX_OFFSET_SECONDS = 100 * 366 * 86_400
"""A test clock moves a century at most, so that no date near the end of the calendar can overflow."""

_log = structlog.get_logger(__name__)


class _TestClock:
    """The offset in a file, read again only when the file has changed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._offset = timedelta(0)

    def offset(self) -> timedelta:
        """What the file says; while it cannot be read or makes no sense, what it said last (at first 0)."""
        if self._path is None:
            return self._offset
        try:
            status = os.stat(self._path)
        except OSError:
            self._seen = None
            return self._offset
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            self._seen = seen
            self._read(self._path)
        return self._offset

    def _read(self, path: Path) -> None:
        try:
            seconds = float(path.read_bytes())
            if not abs(seconds) <= MAX_OFFSET_SECONDS:  # also refuses NaN
                raise ValueError(seconds)
        except (OSError, ValueError):
            _log.warning("test_clock_unreadable", path=str(path), kept_seconds=self._offset.total_seconds())
        else:
            self._offset = timedelta(seconds=seconds)


_test_clock = _TestClock(None)


def configure(test_clock_file: Path | None) -> None:
    """Take the offset of business time from this file (`TEST_CLOCK_FILE`), or from nowhere."""
    global _test_clock
    _test_clock = _TestClock(test_clock_file)


def now() -> datetime:
    """Business time, aware and in UTC: "now" for grants, holds, quotes, quotas and periods (R5)."""
    return wall_now() + _test_clock.offset()


def wall_now() -> datetime:
    """Real time, aware and in UTC: for signatures, logins and time-outs, which no test clock moves."""
    return datetime.now(UTC)


def to_rfc3339(at: datetime) -> str:
    """An aware time as RFC 3339 in UTC with `Z`; microseconds only where there are any.

    Raises `ValueError` for a time without a zone, whose meaning would depend on the server's.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def from_timestamp(seconds: int) -> datetime:
    """The aware UTC time of a Unix timestamp, Stripe's kind; raises `ValueError` beyond the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise ValueError("a timestamp beyond the calendar") from None


def month_start(at: datetime) -> datetime:
    """The first moment of the calendar month in UTC: where monthly quotas and limits begin anew."""
    at = at.astimezone(UTC)
    return datetime(at.year, at.month, 1, tzinfo=UTC)


def month_name(at: datetime) -> str:
    """The calendar month in UTC: ``2026-11``."""
    at = at.astimezone(UTC)
    return f"{at.year:04}-{at.month:02}"


def add_months(anchor: datetime, months: int) -> datetime:
    """The monthly anchor `months` after the first: on its day, or the month's last where that is missing.

    Always count from the first anchor, never from the one before: Jan 31 → Feb 28 (29) → Mar 31, so nothing
    drifts (R11). Raises `ValueError` beyond the calendar.
    """
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError("a month beyond the calendar")
    last_day = calendar.monthrange(year, month + 1)[1]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last_day))
