"""Starting, refusing to start, keeping the state, controls."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from sandbox.money import share, shown
from sandbox.periods import boundary, next_boundary
from sandbox.settings import Settings, UnsafeSettings
from tests.sandbox import shop
from tests.sandbox.conftest import Receiver
from tests.sandbox_server import SandboxServer, free_port

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "unsafe",
    [
        {"secret_key": "sk_live_1"},
        {"secret_key": "rk_test_1"},
        {"secret_key": ""},
        {"host": "0.0.0.0"},
        {"host": "192.168.0.10"},
        {"host": "sandbox.example.com"},
        {"webhook_secret": " "},
        {"dunning_ends_with": "explode"},
    ],
)
def test_refuse_unsafe_settings(tmp_path: Path, unsafe: dict[str, Any]) -> None:
    safe: dict[str, Any] = {"secret_key": "sk_test_1", "webhook_secret": "whsec_1", "clock_file": tmp_path / "clock"}
    Settings(**safe)
    with pytest.raises(UnsafeSettings):
        Settings(**{**safe, **unsafe})


def test_keep_the_state_between_runs(tmp_path: Path) -> None:
    files: dict[str, Any] = {"clock_file": tmp_path / "clock", "state_file": tmp_path / "state.sqlite"}
    with SandboxServer(**files) as sandbox:
        client = sandbox.client.v1
        buyer = shop.customer(client)
        subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
        sandbox.advance(days=40)
        key = {"idempotency_key": "refund-1"}
        intent = client.payment_intents.list().data[0].id
        refund = client.refunds.create({"payment_intent": intent, "amount": 100}, key)
        before = client.subscriptions.retrieve(subscription.id).to_dict()
        now = sandbox.world.now()
    with SandboxServer(**files) as sandbox:
        client = sandbox.client.v1
        assert client.subscriptions.retrieve(subscription.id).to_dict() == before
        assert client.refunds.create({"payment_intent": intent, "amount": 100}, key).id == refund.id
        assert len(client.refunds.list().data) == 1
        assert sandbox.world.now() >= now
        assert [e.id for e in client.webhook_endpoints.list().data] == []
        sandbox.advance(days=31)
        assert len(client.invoices.list().data) == 3
        sandbox.control("reset", {})
        assert client.customers.list().data == []
        assert int(files["clock_file"].read_text()) == 0
    with SandboxServer(**files) as sandbox:
        assert sandbox.client.v1.customers.list().data == []


def test_send_after_a_restart_what_was_waiting(tmp_path: Path, receiver: Receiver) -> None:
    files: dict[str, Any] = {"clock_file": tmp_path / "clock", "state_file": tmp_path / "state.sqlite"}
    receiver.answer = 500
    with SandboxServer(deliver=receiver, webhook_retry_gaps_seconds=(600,), **files) as sandbox:
        sandbox.client.v1.customers.create({"email": "a@example.com"})
        sandbox.flush()
    receiver.answer = 200
    receiver.events.clear()
    with SandboxServer(deliver=receiver, **files) as sandbox:
        sandbox.flush()
        assert [e["type"] for e in receiver.events] == ["customer.created"]
        assert len(sandbox.client.v1.webhook_endpoints.list().data) == 1


def _start(tmp_path: Path, *extra: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", "--webhook-secret", "whsec_1", "--clock-file", str(tmp_path / "clock")]
    return subprocess.Popen([*command, *extra], cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_serve_from_the_command_line(tmp_path: Path) -> None:
    port = free_port()
    state = tmp_path / "state.sqlite"
    process = _start(tmp_path, "--secret-key", "sk_test_1", "--port", str(port), "--state", str(state))
    assert process.stdout is not None
    assert f"http://127.0.0.1:{port}" in process.stdout.readline()
    page = requests.get(f"http://127.0.0.1:{port}/", timeout=5)
    assert "no money moves" in page.text
    taken = _start(tmp_path, "--secret-key", "sk_test_1", "--port", str(port))
    assert taken.wait(timeout=20) == 2
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


@pytest.mark.parametrize("extra", [("--secret-key", "sk_live_1"), ("--secret-key", "sk_test_1", "--host", "0.0.0.0")])
def test_refuse_from_the_command_line(tmp_path: Path, extra: tuple[str, ...]) -> None:
    process = _start(tmp_path, *extra)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert said.startswith("sandbox: The sandbox")


def test_import_nothing_of_the_project() -> None:
    code = (
        "import sys, sandbox.server\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('billing', 'app', 'config', 'web', 'api', 'webhooks')])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_move_the_clock_only_forward(sandbox: SandboxServer) -> None:
    with pytest.raises(RuntimeError, match="only moves forward"):
        sandbox.advance(days=-1)
    with pytest.raises(RuntimeError, match="integer"):
        sandbox.control("clock", {"advance_days": "1"})
    assert sandbox.control("clock")["offset_seconds"] == 0


def test_do_one_act_within_one_second(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = sandbox.world.clock
    seconds = itertools.count(start=int(time.time()))  # each look at real time is a second later
    monkeypatch.setattr("sandbox.clock.time", SimpleNamespace(time=lambda: next(seconds)))
    with sandbox.world.turn():
        began = clock.now()
        assert clock.now() == began
        clock.step_to(began + 3600)
        assert [clock.now(), clock.now()] == [began + 3600] * 2
        with sandbox.world.turn():
            assert clock.now() == began + 3600
    assert clock.now() > began + 3600
    assert clock.offset_seconds == 3600


def test_edit_the_catalog_by_hand(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    price = shop.price(client, 1500)
    sandbox.control("catalog", {"product": price.product, "name": "Renamed"})
    sandbox.control("catalog", {"price": price.id, "active": False})
    assert client.products.retrieve(price.product).name == "Renamed"
    assert client.prices.retrieve(price.id).active is False
    assert receiver.types()[-2:] == ["product.updated", "price.updated"]
    with pytest.raises(RuntimeError, match="cannot be edited"):
        sandbox.control("catalog", {"price": price.id, "unit_amount": 1})


def test_count_calls(sandbox: SandboxServer, client: Any) -> None:
    client.customers.create({"email": "a@example.com"}, {"idempotency_key": "c-1"})
    call = sandbox.calls("POST", "/v1/customers")[0]
    assert (call["params"], call["idempotency_key"], call["status"]) == ({"email": "a@example.com"}, "c-1", 200)
    sandbox.control("calls", method="DELETE")
    assert sandbox.calls() == []


def test_do_what_real_time_makes_due(receiver: Receiver) -> None:
    with SandboxServer(deliver=receiver, tick_seconds=0.05, finalize_after_seconds=1) as sandbox:
        client = sandbox.client.v1
        subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
        end = subscription["items"].data[0].current_period_end
        sandbox.advance(to=end - 1, settle=False)
        receiver.events.clear()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not any(e["type"] == "invoice.paid" for e in receiver.events):
            time.sleep(0.05)
        assert any(e["type"] == "invoice.paid" for e in receiver.events)


def test_end_dunning_as_unpaid(receiver: Receiver) -> None:
    with SandboxServer(deliver=receiver, dunning_retry_days=(1,), dunning_ends_with="unpaid") as sandbox:
        client = sandbox.client.v1
        buyer = shop.customer(client)
        subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
        sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
        sandbox.advance(days=34)
        assert client.subscriptions.retrieve(subscription.id).status == "unpaid"


@pytest.mark.parametrize(
    ("amount", "part", "whole", "expected"),
    [(1000, 1, 3, 333), (1, 1, 2, 1), (-1, 1, 2, -1), (999, 0, 7, 0), (2900, 15, 31, 1403)],
)
def test_round_half_away_from_zero(amount: int, part: int, whole: int, expected: int) -> None:
    assert share(amount, part, whole) == expected


def test_show_amounts() -> None:
    assert [shown(999, "usd"), shown(-5, "eur"), shown(1000, "jpy"), shown(1200, "chf")] == [
        "$9.99", "-€0.05", "¥1000", "12.00 CHF",
    ]  # fmt: skip


def test_count_periods_from_the_anchor() -> None:
    anchor = int(datetime(2027, 1, 31, 9, tzinfo=UTC).timestamp())
    ends = [datetime.fromtimestamp(boundary(anchor, "month", 1, n), UTC).strftime("%Y-%m-%d") for n in range(1, 4)]
    assert ends == ["2027-02-28", "2027-03-31", "2027-04-30"]
    leap = int(datetime(2028, 2, 29, tzinfo=UTC).timestamp())
    assert datetime.fromtimestamp(boundary(leap, "year", 1, 1), UTC).strftime("%Y-%m-%d") == "2029-02-28"
    monthly = {"interval": "month", "interval_count": 3}
    assert next_boundary(anchor, monthly, anchor) == boundary(anchor, "month", 3, 1)
    weekly = {"interval": "week", "interval_count": 2}
    assert next_boundary(anchor, weekly, anchor + 30 * 86400) == anchor + 42 * 86400
