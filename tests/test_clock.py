"""Business time follows the test clock's file, real time does not; months keep their day."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from billing import clock

DAY = 86_400


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Write the test clock's file, which the clock already watches."""
    path = tmp_path / "clock"
    clock.configure(path)
    yield lambda text: path.write_text(text) and None
    clock.configure(None)


def offset_days() -> float:
    return round((clock.now() - clock.wall_now()) / timedelta(days=1), 3)


def test_now_is_real_time_without_a_file(write: Callable[[str], None]) -> None:
    assert offset_days() == 0
    clock.configure(None)
    assert offset_days() == 0
    assert clock.now().tzinfo is UTC


def test_now_follows_the_file_when_it_changes_and_wall_now_does_not(write: Callable[[str], None]) -> None:
    write(f"{31 * DAY}\n")
    assert offset_days() == 31
    assert abs(clock.wall_now().timestamp() - time.time()) < 1
    write(f"{400 * DAY}")
    assert offset_days() == 400
    write("-43200.0")
    assert offset_days() == -0.5


def test_now_reads_an_unchanged_file_only_once(write: Callable[[str], None], tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write("86400")
    status = path.stat()
    assert offset_days() == 1
    write("17280")  # as long, and dated as before: nothing tells that it changed
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert offset_days() == 1
    os.utime(path)
    assert offset_days() == 0.2


@pytest.mark.parametrize("garbage", ["", "soon", "nan", "inf", "1e400", "9" * 30, "1 2", "\x00", "٣x"])
def test_now_keeps_the_last_good_offset_and_logs(garbage: str, write: Callable[[str], None]) -> None:
    write(str(2 * DAY))
    assert offset_days() == 2
    write(garbage)
    with structlog.testing.capture_logs() as logs:
        assert offset_days() == 2
        assert offset_days() == 2
    assert [line["event"] for line in logs] == ["test_clock_unreadable"]
    write(str(3 * DAY))
    assert offset_days() == 3


def test_now_keeps_the_last_good_offset_while_the_file_is_away(write: Callable[[str], None], tmp_path: Path) -> None:
    write(str(2 * DAY))
    assert offset_days() == 2
    (tmp_path / "clock").unlink()
    assert offset_days() == 2
    write(str(DAY))
    assert offset_days() == 1


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00Z"),
        (datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC), "2026-01-31T12:00:00.000005Z"),
        (datetime(2026, 1, 31, 23, tzinfo=timezone(timedelta(hours=-5))), "2026-02-01T04:00:00Z"),
    ],
)
def test_to_rfc3339_is_utc_with_z(at: datetime, text: str) -> None:
    assert clock.to_rfc3339(at) == text
    assert datetime.fromisoformat(text) == at


def test_to_rfc3339_refuses_a_time_without_zone() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        clock.to_rfc3339(datetime(2026, 1, 1))  # noqa: DTZ001


def test_from_timestamp_is_utc_whatever_the_server_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """F195."""
    for zone in ("UTC", "Asia/Kolkata", "US/Pacific"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert clock.to_rfc3339(clock.from_timestamp(2_147_483_648)) == "2038-01-19T03:14:08Z"
        assert abs(clock.now().timestamp() - time.time()) < 1
    monkeypatch.undo()
    time.tzset()
    with pytest.raises(ValueError, match=r"beyond|out of range"):
        clock.from_timestamp(10**18)


@pytest.mark.parametrize(
    ("anchor", "days"),
    [
        ("2026-01-31", ["02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31"]),
        ("2027-12-30", ["01-30", "02-29", "03-30"]),  # 2028 is a leap year
        ("2099-11-29", ["12-29", "01-29", "02-28", "03-29"]),  # 2100 is none
        ("2026-05-15", ["06-15", "07-15"]),
    ],
)
def test_add_months_keeps_the_day_and_does_not_drift(anchor: str, days: list[str]) -> None:
    """F192."""
    first = datetime.fromisoformat(f"{anchor}T09:30:00+00:00")
    later = [clock.add_months(first, n) for n in range(1, len(days) + 1)]
    assert [at.strftime("%m-%d") for at in later] == days
    assert {at.time() for at in later} == {first.time()}


def test_add_months_keeps_feb_29_over_the_years() -> None:
    first = datetime(2028, 2, 29, tzinfo=UTC)
    assert [clock.add_months(first, 12 * n).day for n in range(5)] == [29, 28, 28, 28, 29]


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(-600, 600),
)
def test_add_months_is_in_the_right_month_and_never_past_the_day(anchor: datetime, months: int) -> None:
    later = clock.add_months(anchor, months)
    assert (later.year - anchor.year) * 12 + later.month - anchor.month == months
    assert later.day == anchor.day or (later + timedelta(days=1)).day == 1
    assert later.day <= anchor.day


def test_add_months_refuses_what_no_calendar_has() -> None:
    with pytest.raises(ValueError, match="beyond the calendar"):
        clock.add_months(datetime(9999, 12, 1, tzinfo=UTC), 1)
