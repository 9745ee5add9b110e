"""Taking `invoice.paid`: Saldo, which grants the month, against dj-stripe, which copies the objects."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from bench.baselines import stripe_objects
from bench.load import press, request
from bench.postgresql import Postgresql
from bench.processes import free_port, running
from bench.rounds import Effort, Figure, LeftOut, in_turn, ratios
from bench.saldo import Saldo, make_subscribers
from config import ROOT

CUSTOMERS = 100
CLIENTS = 16
SECRET = "whsec_bench"  # noqa: S105
_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements-djstripe.txt"
_ENVIRONMENT = ROOT / "instance" / "bench-djstripe"
_DJSTRIPE_PATH = "/stripe/webhook/11111111-2222-4333-8444-555555555555/"


def webhook_vs_djstripe(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """`invoice.paid` a second by Saldo ÷ by dj-stripe, both on gunicorn and PostgreSQL with the same Stripe behind."""
    python = _djstripe_python()
    numbers = [str(number) for number in range(1, CUSTOMERS + 1)]
    with _stripe(folder) as stripe:
        saldo = Saldo(folder, server.new_database(), STRIPE_API_BASE=stripe)
        with saldo.inside():
            make_subscribers(numbers)
        theirs, ours = _events(numbers), _events(numbers)
        with saldo.server() as port, _djstripe(python, folder, server.new_database(), stripe) as djstripe_port:
            pairs = in_turn(
                effort,
                lambda seconds: _rate(port, "/webhooks/stripe", ours, seconds),
                lambda seconds: _rate(djstripe_port, _DJSTRIPE_PATH, theirs, seconds),
            )
    return ratios(pairs, "{:.0f} webhooks a second, {:.0f} by dj-stripe", saldo.problems())


def _events(numbers: list[str]) -> Iterator[bytes]:
    """Bodies: each customer's months one after the other, no customer twice at a time."""
    for cycle in count():
        for number in numbers:
            yield json.dumps(stripe_objects.paid_event(number, cycle)).encode()


def _rate(port: int, path: str, events: Iterator[bytes], seconds: float) -> float:
    return press(port, (_signed(path, body) for body in events), seconds=seconds, clients=CLIENTS).rate


def _signed(path: str, body: bytes) -> bytes:
    now = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return request("POST", path, body=body, Stripe_Signature=f"t={now},v1={signature}")


@contextmanager
def _stripe(folder: Path) -> Iterator[str]:
    port = free_port()
    environ = {"PYTHONPATH": str(_HERE / "baselines")}
    with running(folder / "stripe.log", environ, port, sys.executable, "-m", "stripe_objects", str(port)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _djstripe(python: Path, folder: Path, database: str, stripe: str) -> Iterator[int]:
    port = free_port()
    environ = {
        "PYTHONPATH": str(_HERE / "baselines"),
        "BENCH_DATABASE": database,
        "STRIPE_API_BASE": stripe,
        "STRIPE_WEBHOOK_SECRET": SECRET,
    }
    prepare = [str(python), "-m", "djstripe_site"]
    done = subprocess.run(prepare, env=environ, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise LeftOut(f"dj-stripe's database could not be made: {done.stderr[-500:]}")
    # As many processes and threads as Saldo's own configuration has.
    server = ("-m", "gunicorn", "--workers=2", "--threads=8", "--no-control-socket", f"--bind=127.0.0.1:{port}")
    with running(folder / "djstripe.log", environ, port, str(python), *server, "djstripe_site:app", folder=folder):
        yield port


def _djstripe_python() -> Path:
    """The Python of dj-stripe's own environment, made if it is not there; raises `LeftOut` where that fails."""
    python = _ENVIRONMENT / "bin" / "python"
    stamp = _ENVIRONMENT / "installed.txt"
    if stamp.is_file() and stamp.read_bytes() == _REQUIREMENTS.read_bytes():
        return python
    venv.create(_ENVIRONMENT, clear=True, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "install", "-r", str(_REQUIREMENTS)]
    done = subprocess.run(pip, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise LeftOut(f"dj-stripe could not be installed: {done.stderr.strip()[-300:]}")
    stamp.write_bytes(_REQUIREMENTS.read_bytes())
    return python
