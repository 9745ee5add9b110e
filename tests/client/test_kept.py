"""Fail-open: the action passes, the charge waits on disk, and Saldo takes it exactly once."""

from __future__ import annotations

import itertools
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from saldo import JobFailed, Saldo, Settled, Unavailable
from saldo.kept import LONGEST_GAP_SECONDS, KeptCharges

from config import ROOT
from tests.client.answers import captured, charge, ended, placed, results
from tests.client.playback import LOST, Answer, Playback, problem

CLIENT = ROOT / "clients" / "python"
AWAY = problem(503, "database_unavailable")


def waiting(tmp_path: Path, *ids: str) -> None:
    """Events wait on disk, as they do when Saldo was away."""
    kept = KeptCharges(tmp_path / "kept.sqlite3")
    for event_id in ids:
        kept.keep(event_id, "usage", "/usage", {"id": event_id, "customer": "ada", "action": "story.generate"})


def away(tmp_path: Path) -> Saldo:
    """A client whose Saldo certainly is not there."""
    return Saldo(
        "http://127.0.0.1:1",
        "sk_app",
        retries=0,
        fail_open={"story.generate"},
        kept_in=tmp_path / "kept.sqlite3",
        settle_every=None,
    )


def test_lets_only_the_named_actions_pass(patient: Saldo, server: Playback) -> None:
    server.play(AWAY)
    with pytest.raises(Unavailable):
        patient.debit("ada", "image.generate")
    with pytest.raises(Unavailable):
        patient.debit("ada", amount=5)
    with pytest.raises(Unavailable):
        patient.hold("ada", "image.generate")
    assert patient.kept() == []
    done = patient.debit("ada", "story.generate")
    assert (done.kept, done.amount, done.debit) == (True, None, None)
    assert len(patient.kept()) == 1


def test_lets_nothing_pass_that_saldo_refuses(patient: Saldo, server: Playback) -> None:
    for answer in (problem(402, "insufficient_credits"), problem(404, "not_found"), problem(429, "quota_exceeded")):
        server.play(answer)
        with pytest.raises(Exception, match="It is"):
            patient.debit("ada", "story.generate")
    assert patient.kept() == []


def test_records_in_a_batch_what_certainly_never_arrived(patient: Saldo, server: Playback, tmp_path: Path) -> None:
    for number in range(3):
        away(tmp_path).debit("ada", "story.generate", units=number + 1, quote="q_1")
    first, second, third = (kept.id for kept in patient.kept())
    server.play(results((first, "recorded"), (second, "duplicate"), (third, "recorded")))
    assert patient.settle() == Settled(taken=3, waiting=0)
    (request,) = server.requests
    assert request.path == "/api/v1/usage"
    events = request.json["events"]
    assert [(event["id"], event["units"]) for event in events] == [(first, 1), (second, 2), (third, 3)]
    assert all("quote" not in event and event["occurred_at"].endswith("Z") for event in events)


def test_repeats_under_its_key_a_debit_that_may_have_arrived(patient: Saldo, server: Playback) -> None:
    server.play(LOST)
    patient.debit("ada", "story.generate")
    server.play(charge())
    assert patient.settle() == Settled(taken=1, waiting=0)
    assert server.requests[-1].path == "/api/v1/debits"
    assert len(set(server.keys)) == 1
    assert len({request.text for request in server.requests}) == 1


def test_repeats_under_its_key_a_debit_that_the_app_may_say_again(
    patient: Saldo, server: Playback, tmp_path: Path
) -> None:
    for _ in range(2):
        away(tmp_path).debit("ada", "story.generate", key="job-1")
    server.play(charge())
    patient.debit("ada", "story.generate", key="job-1")
    assert patient.settle() == Settled(taken=1, waiting=0)
    assert [(request.path, request.key) for request in server.requests] == [("/api/v1/debits", "job-1")] * 2


def test_keeps_the_charge_of_a_job_that_ran_without_a_hold(patient: Saldo, server: Playback) -> None:
    server.play(AWAY)
    with patient.hold("ada", "story.generate", units=60, expires_in=60) as hold:
        assert hold.kept
        hold.capture(units=42)
        hold.capture(units=42)
    (kept,) = patient.kept()
    assert (kept.kind, kept.body["units"], "expires_in" in kept.body) == ("usage", 42, False)
    assert hold.charge is not None
    assert hold.charge.kept


def test_keeps_no_charge_of_a_job_that_failed(patient: Saldo, server: Playback) -> None:
    server.play(AWAY)
    with pytest.raises(JobFailed), patient.hold("ada", "story.generate"):
        raise JobFailed("provider_error")
    with pytest.raises(ZeroDivisionError), patient.hold("ada", "story.generate"):
        1 / 0  # noqa: B018
    assert patient.kept() == []


def test_repeats_a_capture_that_may_have_arrived(patient: Saldo, server: Playback) -> None:
    server.play(placed(), AWAY)
    with patient.hold("ada", "story.generate"):
        pass
    server.play(captured())
    assert patient.settle() == Settled(taken=1, waiting=0)
    assert server.requests[-1].path == "/api/v1/holds/hold_1/capture"
    assert len(set(server.keys[1:])) == 1


def test_records_a_use_whose_hold_has_ended_meanwhile(patient: Saldo, server: Playback) -> None:
    server.play(placed(), AWAY)
    with patient.hold("ada", "story.generate", units=60) as hold:
        hold.capture(units=42)
    (kept,) = patient.kept()
    server.play(problem(409, "hold_expired"), results((kept.id, "recorded")))
    assert patient.settle() == Settled(taken=1, waiting=0)
    (event,) = server.requests[-1].json["events"]
    assert (event["id"], event["units"], event["action"]) == (kept.id, 42, "story.generate")


def test_takes_a_hold_captured_long_ago_as_settled(patient: Saldo, server: Playback) -> None:
    server.play(placed(), AWAY)
    with patient.hold("ada", "story.generate"):
        pass
    server.play(problem(409, "hold_already_captured"))
    assert patient.settle() == Settled(taken=1, waiting=0)


def test_voids_nothing_later(patient: Saldo, server: Playback) -> None:
    server.play(placed(), AWAY)
    hold = patient.hold("ada", "story.generate")
    with pytest.raises(Unavailable):
        hold.void()
    assert patient.kept() == []
    server.play(ended())
    hold.void()


def test_tries_a_rejected_charge_again_later(patient: Saldo, server: Playback, tmp_path: Path) -> None:
    waiting(tmp_path, "job-1")
    server.play(Answer(200, {"results": [{"id": "job-1", "status": "rejected", "code": "insufficient_credits"}]}))
    assert patient.settle() == Settled(taken=0, waiting=1)
    assert patient.kept()[0].refused_as == "insufficient_credits"
    assert patient.settle() == Settled(taken=0, waiting=1)
    assert len(server.requests) == 1, "not due again so soon"
    patient.give_up("job-1")
    assert patient.kept() == []


def test_sends_the_rest_of_a_batch_that_one_event_spoils(patient: Saldo, server: Playback, tmp_path: Path) -> None:
    waiting(tmp_path, "job-0", "job-1", "job-2")
    invalid = problem(422, "invalid", errors=[{"field": "events", "message": "wrong"}])
    server.play(invalid, results(("job-0", "recorded")), invalid, results(("job-2", "recorded")))
    assert patient.settle() == Settled(taken=2, waiting=1)
    assert [(kept.id, kept.refused_as) for kept in patient.kept()] == [("job-1", "invalid")]


def test_stops_settling_while_saldo_is_away_and_is_due_again_soon(
    patient: Saldo, server: Playback, tmp_path: Path
) -> None:
    now = [time.time() + 5]
    waiting(tmp_path, "job-0", "job-1", "job-2")
    patient._kept._now = lambda: now[0]  # type: ignore[union-attr]
    server.play(AWAY)
    for _ in range(20):
        assert patient.settle() == Settled(taken=0, waiting=3)
        now[0] += 16
    server.play(results(*((f"job-{number}", "recorded") for number in range(3))))
    assert patient.settle() == Settled(taken=3, waiting=0)


def test_asks_about_a_refused_charge_ever_more_rarely(tmp_path: Path) -> None:
    now = [0.0]
    kept = KeptCharges(tmp_path / "kept.sqlite3", now=lambda: now[0])
    kept.keep("job-1", "usage", "/usage", {"id": "job-1"})
    asked = []
    while len(asked) < 15:
        if kept.claim(10):
            asked.append(now[0])
        now[0] += 15
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (15.0, LONGEST_GAP_SECONDS)


def test_keeps_a_charge_once_and_exactly(tmp_path: Path) -> None:
    kept = KeptCharges(tmp_path / "kept.sqlite3")
    for _ in range(2):
        kept.keep("job-1", "usage", "/usage", {"amount": Decimal("0.100001"), "description": "Ü\x00"})
    (one,) = KeptCharges(tmp_path / "kept.sqlite3").all()
    assert one.body == {"amount": Decimal("0.100001"), "description": "Ü\x00"}
    assert stat.S_IMODE(os.stat(tmp_path / "kept.sqlite3").st_mode) == 0o600


def another_process(keeps: str, **options: Any) -> subprocess.Popen[bytes]:
    """A process of its own that keeps charges; this one has threads, so it is begun afresh and not forked."""
    opens = "import pathlib, sys\nfrom saldo.kept import KeptCharges\nkept = KeptCharges(pathlib.Path(sys.argv[1]))\n"
    environ = {**os.environ, "PYTHONPATH": str(CLIENT)}
    return subprocess.Popen([sys.executable, "-c", opens + keeps, options.pop("path")], env=environ, **options)


def test_loses_nothing_among_threads_and_processes(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite3"
    KeptCharges(path)

    def keep(name: str) -> None:
        kept = KeptCharges(path)
        for number in range(10):
            kept.keep(f"{name}-{number}", "usage", "/usage", {})

    keeps = "for number in range(10): kept.keep(f'p%s-{number}', 'usage', '/usage', {})"
    children = [another_process(keeps % process, path=str(path)) for process in range(2)]
    threads = [threading.Thread(target=keep, args=(f"t{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [child.wait(60) for child in children] == [0, 0]
    kept = KeptCharges(path)
    assert len(kept) == 40
    first, second = kept.claim(25), kept.claim(25)
    assert len({charge.id for charge in (*first, *second)}) == 40, "no charge is claimed by two at a time"


def test_keeps_what_it_acknowledged_when_the_process_dies(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite3"
    keeps = (
        "for number in range(10_000):\n"
        "    kept.keep(f'job-{number}', 'usage', '/usage', {})\n"
        "    sys.stdout.write('.')\n"
        "    sys.stdout.flush()\n"
    )
    child = another_process(keeps, path=str(path), stdout=subprocess.PIPE)
    assert child.stdout is not None
    acknowledged = len(child.stdout.read(20))
    child.kill()
    acknowledged += len(child.stdout.read())
    child.wait(60)
    assert acknowledged >= 20
    assert len(KeptCharges(path)) >= acknowledged


def test_waits_on_disk_with_full_durability(tmp_path: Path) -> None:
    kept = KeptCharges(tmp_path / "kept.sqlite3")
    with kept._open() as file:
        assert file.execute("PRAGMA synchronous").fetchone()[0] == 2
    with pytest.raises(sqlite3.OperationalError), kept._writing() as file:
        file.execute("INSERT INTO nowhere VALUES (1)")
    assert len(kept) == 0


def test_settles_in_the_background(server: Playback, tmp_path: Path) -> None:
    waiting(tmp_path, "job-1")
    server.play(results(("job-1", "recorded")))
    with Saldo(
        server.url, "sk_app", fail_open={"story.generate"}, kept_in=tmp_path / "kept.sqlite3", settle_every=0.02
    ) as credits:
        credits.usage([])  # any call starts it; this one sends nothing
        server.play(results(("job-1", "recorded")))
        credits.call("GET", "/actions")
        give_up_at = time.monotonic() + 5
        while credits.kept():
            assert time.monotonic() < give_up_at
            time.sleep(0.01)


def test_wants_a_file_for_what_passes() -> None:
    with pytest.raises(ValueError, match="kept_in"):
        Saldo("http://127.0.0.1:1", "sk_app", fail_open={"story.generate"})
    with pytest.raises(TypeError, match="set of actions"):
        Saldo("http://127.0.0.1:1", "sk_app", fail_open="story.generate", kept_in="x")
