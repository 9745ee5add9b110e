"""Saldo as operators run it: gunicorn, the sandbox in Stripe's place, and `flask` commands, each a real process."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from flask import Flask

from app import create_app
from billing import clock as business_time
from billing.db import db
from config import ROOT, Settings, load_settings
from tests.conftest import environ_for
from tests.sandbox_server import SandboxControls, free_port

START_SECONDS = 60

_NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", ".env", ".flaskenv", "instance", "tests", "docs", "__pycache__", ".*_cache", ".hypothesis"
)


def environ_with(**settings: str) -> dict[str, str]:
    """This process's environment with these settings of Saldo and no others."""
    names = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in names} | settings


def copy_project(folder: Path) -> None:
    """The project in a folder of its own, with this environment's packages, for `run.py` to run there."""
    shutil.copytree(ROOT, folder, ignore=_NOT_COPIED)
    (folder / ".venv").symlink_to(sys.prefix)


class Process:
    """A child process with its output in a file; it leads a group of its own, which ends as a whole."""

    def __init__(self, log: Path, environ: dict[str, str], *command: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process's number; its children are those of this one."""
        return self._process.pid

    def wait_for(self, url: str) -> None:
        """Return when `url` answers 200."""
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < give_up_at, self.log.read_text()
            try:
                if requests.get(url, timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as `docker stop` does: told to, and given the time it needs."""
        self._process.terminate()
        self._process.wait(60)

    def kill(self) -> None:
        """End the whole group in the middle of whatever it does, as a power cut does."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(60)


class Installation:
    """One Saldo on one database, with a sandbox and a clock of its own."""

    def __init__(self, folder: Path, database_url: str, *, starts_at: datetime | None = None, workers: int = 2) -> None:
        self.folder = folder
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._clock_file = folder / "clock"
        ahead = starts_at - datetime.now(UTC) if starts_at else timedelta(0)
        self._clock_file.write_text(str(int(ahead.total_seconds())))
        self.sandbox = SandboxControls(f"http://127.0.0.1:{free_port()}", f"sk_test_{secrets.token_hex(12)}")
        self.settings = environ_for(database_url) | {
            "STRIPE_SECRET_KEY": self.sandbox.secret_key,
            "STRIPE_API_BASE": self.sandbox.base_url,
            "TEST_CLOCK_FILE": str(self._clock_file),
            "PORT": str(port),
            "PUBLIC_URL": self.url,
            "WEB_CONCURRENCY": str(workers),
        }
        self._environ = environ_with(**self.settings, FLASK_SKIP_DOTENV="1")
        self._server: Process | None = None
        self._sandbox: Process | None = None
        self._api_key = ""

    def start(self) -> None:
        """Start sandbox and server, put the catalog to Stripe, and make an API key."""
        self._sandbox = Process(
            self.folder / "sandbox.log",
            self._environ,
            "sandbox",
            f"--port={self.sandbox.base_url.rpartition(':')[2]}",
            f"--webhook-url={self.url}/webhooks/stripe",
            f"--secret-key={self.sandbox.secret_key}",
            f"--webhook-secret={self.settings['STRIPE_WEBHOOK_SECRET']}",
            f"--clock-file={self._clock_file}",
        )
        self.start_server()
        self.command("stripe", "sync-catalog")
        self._api_key = self.command("keys", "create", "app", "--scope", "credits:read").splitlines()[-1]

    def start_server(self) -> None:
        """Start gunicorn as in production, and wait until it takes requests."""
        server = Process(self.folder / "server.log", self._environ, "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
        self._server = server
        server.wait_for(f"{self.url}/readyz")

    def stop_server(self) -> None:
        """SIGTERM: what is under way is finished."""
        assert self._server is not None
        self._server.stop()

    def kill_server(self) -> None:
        """SIGKILL to master and workers."""
        assert self._server is not None
        self._server.kill()

    def close(self) -> None:
        """End everything."""
        for process in (self._server, self._sandbox):
            if process is not None:
                process.kill()

    def flask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A `flask` command in another terminal, ended."""
        return subprocess.run(
            [sys.executable, "-m", "flask", *command],
            cwd=ROOT,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start_flask(self, *command: str) -> subprocess.Popen[str]:
        """A `flask` command in another terminal, still running."""
        return subprocess.Popen(
            [sys.executable, "-m", "flask", *command],
            cwd=ROOT,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *command: str) -> str:
        """What a `flask` command prints, run inside this process, which saves starting one; it has to exit 0."""
        with self.inside() as app:
            result = app.test_cli_runner().invoke(args=command)
        assert result.exit_code == 0, result.output
        return result.output

    @contextmanager
    def inside(self) -> Iterator[Flask]:
        """Saldo's own functions on this installation's database."""
        app = create_app(load_settings(self.settings))
        try:
            yield app
        finally:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()
            business_time.configure(None)

    def api(self, path: str, **query: str | int) -> Any:
        """The answer of `GET /api/v1/<path>`, which has to be a 200."""
        answer = requests.get(
            f"{self.url}/api/v1/{path}",
            params=query,
            headers={"Authorization": f"Bearer {self._api_key}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def now(self) -> datetime:
        """Business time."""
        return datetime.now(UTC) + timedelta(seconds=float(self._clock_file.read_text()))

    def advance(self, days: int = 0, **units: int) -> None:
        """Move time on: what falls due on the way happens, and its webhooks are delivered."""
        self.sandbox.advance(days=days, seconds=int(timedelta(**units).total_seconds()))

    def unexpected(self) -> list[dict[str, Any]]:
        """What the server logged of errors that nobody has foreseen: each would be a bug (R16)."""
        lines = (self.folder / "server.log").read_text().splitlines()
        return [json.loads(line) for line in lines if '"exception"' in line or "Traceback" in line]
