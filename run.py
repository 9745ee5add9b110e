#!/usr/bin/env python3
"""Saldo in one command, with nothing but Python 3.11 and pip.

    python3 run.py                 install, migrate, seed a demo, start the Stripe sandbox, serve
    python3 run.py test [ARGS…]    install, run the test suite (ARGS go to pytest)
    python3 run.py bench [NAME…]   install, measure against small baselines (also --quick, --json)
    python3 run.py mutants [NAME…] install, plant known mistakes one by one: the tests must see each
    python3 run.py reset           remove the demo's data

For development: production runs gunicorn and `flask worker` itself. Only this file knows of the sandbox.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INSTANCE = ROOT / "instance"
LOGS = INSTANCE / "log"
CLOCK = INSTANCE / "clock"
DEMO_ENV = INSTANCE / "demo.env"
"""The demo's settings. While it runs, `.flaskenv` points here, and so `flask …` beside it sees the same."""
DEMO_KEYS = INSTANCE / "demo.json"
FLASKENV = ROOT / ".flaskenv"

STOP_SECONDS = 15
START_SECONDS = 60
SHARED_WITH_COMMANDS = (
    "DATABASE_URL",
    "SECRET_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_API_BASE",
    "TEST_CLOCK_FILE",
    "PUBLIC_URL",
    "PORT",
)


class Failed(Exception):
    """A step did not work; the text says which, and what to do."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C or sent a signal."""


def install(*lock_names: str) -> None:
    """Make `.venv` hold what the lock files name, hash by hash; nothing is fetched when it already does."""
    stamps = {VENV / f".{name}.installed": _digest(ROOT / name) for name in lock_names}
    if not PYTHON.exists():
        print("Making .venv …", flush=True)
        venv.create(VENV, clear=True, symlinks=True)
    elif all(stamp.is_file() and stamp.read_text() == digest for stamp, digest in stamps.items()):
        return
    print(f"Installing {' and '.join(lock_names)} …", flush=True)
    # This Python's pip installs into the other: Debian's bare python3 cannot put a pip into a new one.
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "--quiet", "--disable-pip-version-check"]
    locks = [word for name in lock_names for word in ("-r", str(ROOT / name))]
    command = [*pip, "install", "--no-input", "--require-hashes", *locks]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise Failed("pip could not install; its message is above. A first run needs pip and the network.")
    for stamp, digest in stamps.items():
        stamp.write_text(digest)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def prepare_environment() -> tuple[dict[str, str], str | None]:
    """The environment for all processes, and the sandbox's address if there is to be one.

    What the environment says wins over `.env`, and both over what the demo makes up and keeps.
    """
    env = _read_env_file(ROOT / ".env") | {name: value for name, value in os.environ.items() if value}
    kept = _read_env_file(DEMO_ENV)
    port = free_port(int(env.get("PORT", 8000)))
    env["PORT"] = str(port)
    env.setdefault("PUBLIC_URL", f"http://127.0.0.1:{port}")
    env["FLASK_SKIP_DOTENV"] = "1"  # it is all in here already
    if not _given(env, "SECRET_KEY"):
        env["SECRET_KEY"] = kept.get("SECRET_KEY") or secrets.token_hex(32)
    sandbox = None
    if not _given(env, "STRIPE_SECRET_KEY"):
        sandbox = f"http://127.0.0.1:{free_port(port + 4111)}"
        made = {
            "STRIPE_SECRET_KEY": f"sk_test_sandbox{secrets.token_hex(12)}",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
        }
        env |= {name: kept.get(name) or value for name, value in made.items()}
        env |= {"STRIPE_API_BASE": sandbox, "TEST_CLOCK_FILE": str(CLOCK)}
    elif "k_live_" in env.get("STRIPE_SECRET_KEY", ""):
        raise Failed("STRIPE_SECRET_KEY is a live key; run.py is for development (see docs/operations.md)")
    _write_private(DEMO_ENV, "".join(f"{k}={json.dumps(env[k])}\n" for k in SHARED_WITH_COMMANDS if k in env))
    return env, sandbox


def _given(env: dict[str, str], name: str) -> bool:
    return name in env or f"{name}_FILE" in env


def _read_env_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    program = "import dotenv, json, sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))"
    output = subprocess.run([str(PYTHON), "-c", program, str(path)], check=True, capture_output=True).stdout
    return {name: value for name, value in json.loads(output).items() if value}


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def free_port(wanted: int) -> int:
    """The first port from `wanted` on that nobody listens on."""
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise Failed(f"no free port from {wanted} on")


class Processes:
    """What runs together: when one ends, all end."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def step(self, *flask_command: str) -> str:
        """Run one `flask` command to its end and give back what it printed."""
        command = [str(PYTHON), "-m", "flask", *flask_command]
        done = subprocess.run(command, cwd=ROOT, env=self._env, check=False, capture_output=True, text=True)
        if done.returncode:
            said = done.stderr + done.stdout
            raise Failed(f"`flask {' '.join(flask_command)}` failed ({done.returncode}):\n{said}")
        return done.stdout

    def start(self, name: str, url: str | None, *command: str) -> None:
        """Start a process of `python -m …`; with a `url`, wait until that answers."""
        with (LOGS / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [PYTHON, "-m", *command],
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        give_up_at = time.monotonic() + START_SECONDS
        while url and not _answers(url):
            self.check()
            if time.monotonic() > give_up_at:
                raise Failed(f"the {name} does not answer at {url}; see {LOGS / name}.log")
            time.sleep(0.1)

    def check(self) -> None:
        """Raise `Failed` when one of them has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                tail = (LOGS / f"{name}.log").read_text(errors="replace").splitlines()[-15:]
                raise Failed("\n".join([f"the {name} ended ({process.returncode}):", *tail]))

    def stop(self) -> None:
        """End all of them with their children: first kindly, after `STOP_SECONDS` not."""
        for process in self._running.values():
            _signal_group(process, signal.SIGTERM)
        give_up_at = time.monotonic() + STOP_SECONDS
        try:
            for process in self._running.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0, give_up_at - time.monotonic()))
        finally:
            for process in self._running.values():
                _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _end_with_parent() -> None:
    """In the child, on Linux: be told to stop when run.py is killed without a chance to say so."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, http.client.HTTPException):  # nobody is there yet, or not somebody who speaks HTTP
        return False


def serve() -> None:
    """Everything for a first look, until Ctrl-C; a second run finds the data of the first."""
    install("requirements.lock")
    LOGS.mkdir(parents=True, exist_ok=True)
    with only_one_running():
        env, sandbox = prepare_environment()
        if FLASKENV.exists() and not FLASKENV.is_symlink():
            raise Failed(".flaskenv is in the way: move its settings to .env")
        processes = Processes(env)
        try:
            FLASKENV.unlink(missing_ok=True)
            FLASKENV.symlink_to(DEMO_ENV)
            print("Preparing the database …", flush=True)
            processes.step("db", "upgrade")
            if sandbox:
                processes.start("sandbox", sandbox, *_sandbox_command(env, sandbox))
            url = f"http://127.0.0.1:{env['PORT']}"
            processes.start("server", f"{url}/livez", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
            processes.step("stripe", "sync-catalog")
            seeded = remember_key(env, json.loads(processes.step("seed", "--json")))
            processes.start("worker", None, "flask", "worker")
            print(first_screen(env["PUBLIC_URL"], seeded, sandbox), flush=True)
            while True:
                processes.check()
                time.sleep(0.5)
        finally:
            FLASKENV.unlink(missing_ok=True)
            processes.stop()


def _sandbox_command(env: dict[str, str], sandbox: str) -> list[str]:
    options = {
        "--port": sandbox.rpartition(":")[2],
        "--webhook-url": f"http://127.0.0.1:{env['PORT']}/webhooks/stripe",
        "--secret-key": env["STRIPE_SECRET_KEY"],
        "--webhook-secret": env["STRIPE_WEBHOOK_SECRET"],
        "--clock-file": str(CLOCK),
        "--state": str(INSTANCE / "sandbox.sqlite3"),
    }
    return ["sandbox", *(word for option in options.items() for word in option)]


def remember_key(env: dict[str, str], seeded: dict[str, Any]) -> dict[str, Any]:
    """What `flask seed` made, with the API key of an earlier run: a key is told only once."""
    kept = json.loads(DEMO_KEYS.read_text()) if DEMO_KEYS.is_file() else {}
    database = hashlib.sha256(env.get("DATABASE_URL", "").encode()).hexdigest()[:16]
    key = seeded["api_key"] or kept.get(database)
    _write_private(DEMO_KEYS, json.dumps(kept | {database: key}) + "\n")
    return seeded | {"api_key": key}


def first_screen(url: str, seeded: dict[str, Any], sandbox: str | None) -> str:
    """What a newcomer needs to know, on one screen."""
    logins = {
        who: f"{seeded[who]['email']}  password {seeded[who]['password'] or '(you changed it)'}"
        for who in ("customer", "staff")
    }
    rows = [
        ("open", url),
        ("customer", f"{logins['customer']}  at {url}/login"),
        ("staff", f"{logins['staff']}  at {url}/staff"),
        ("API key", seeded["api_key"] or "(made before: flask keys list)"),
        ("Stripe", f"sandbox: no money moves  ({sandbox})" if sandbox else "test mode, with your own key"),
    ]
    if sandbox:
        rows.append(("a month on", ".venv/bin/flask sandbox advance 31   (in another terminal)"))
    rows.append(("logs", f"{LOGS.relative_to(ROOT)}/   (worker.log shows the mails)"))
    rows.append(("stop", "Ctrl-C; `python3 run.py reset` removes the demo"))
    return "\n".join(["", "Saldo is running.", "", *(f"  {name:<12}{text}" for name, text in rows), ""])


def test(arguments: list[str]) -> None:
    """Become the test suite; `arguments` come last and win: `-n 0`, `-m force`, `-m browser`, `-m slow`."""
    install("requirements.lock", "requirements-dev.lock")
    os.chdir(ROOT)
    # Each of hundreds of processes, and pytest in every file, would compile the same sources anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # Four processes also on two cores, since many tests wait for others; a file's servers start once.
    split = ["-n", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
    command = [str(PYTHON), "-m", "pytest", *split, "-m", "not force and not browser and not slow", *arguments]
    os.execv(PYTHON, command)  # signals and the exit status are pytest's own


def mutants(names: list[str]) -> None:
    """Become the hunt for planted mistakes."""
    install("requirements.lock", "requirements-dev.lock")
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), "-m", "mutants", *names])


def bench(arguments: list[str]) -> None:
    """Become the benchmarks; `arguments` go to them."""
    install("requirements.lock", "requirements-dev.lock")
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), "-m", "bench", *arguments])  # signals and the exit status are its own


def reset() -> None:
    """Remove what the demo made: its settings, keys, clock, logs and SQLite files; no other database."""
    if INSTANCE.is_dir():
        with only_one_running():
            for pattern in ("saldo.sqlite3*", "sandbox.sqlite3*", "clock", "demo.env", "demo.json"):
                for path in INSTANCE.glob(pattern):
                    path.unlink()
            shutil.rmtree(LOGS, ignore_errors=True)
            FLASKENV.unlink(missing_ok=True)
    print("The demo's data is gone.")


@contextlib.contextmanager
def only_one_running() -> Iterator[None]:
    """Hold this folder's lock; the system lets it go even when run.py is killed."""
    with (INSTANCE / "run.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed("Saldo is running in this folder already; stop that first (Ctrl-C there)") from None
        yield


def main(arguments: list[str]) -> int:
    """Run the command named by the arguments and give back the exit status."""

    def stop(_number: int, _frame: object) -> None:
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        if arguments[:1] == ["test"]:
            test(arguments[1:])
        elif arguments[:1] == ["bench"]:
            bench(arguments[1:])
        elif arguments[:1] == ["mutants"]:
            mutants(arguments[1:])
        elif arguments == ["reset"]:
            reset()
        elif not arguments:
            serve()
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except Stopped:
        print("Stopped.")
    except Failed as failure:
        print(f"run.py: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  (this file runs before anything could have checked)
        sys.exit("Saldo needs Python 3.11 or newer; this is " + sys.version.split()[0])
    sys.exit(main(sys.argv[1:]))
