"""The whole of Saldo as a newcomer starts it: `run.py` in a copy of the project, on ports of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sandbox_server import demo_port
from tests.servers import copy_project, environ_with


@dataclass(frozen=True)
class Demo:
    """A running demo; `screen` is what it printed."""

    folder: Path
    screen: str

    def shown(self, name: str) -> str:
        """What stands behind this word on the first screen."""
        found = re.search(rf"^  {name}  +(.+)$", self.screen, re.MULTILINE)
        assert found, self.screen
        return found[1]

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self.shown("open").strip()

    @property
    def customer(self) -> tuple[str, str]:
        """E-mail and password of the demo's customer."""
        email, _, password = self.shown("customer").split()[:3]
        return email, password

    @property
    def staff(self) -> tuple[str, str]:
        """E-mail and password of the demo's member of staff."""
        email, _, password = self.shown("staff").split()[:3]
        return email, password

    def flask(self, *command: str) -> str:
        """What a `flask` command in another terminal prints."""
        done = subprocess.run(
            [str(self.folder / ".venv" / "bin" / "python"), "-m", "flask", *command],
            cwd=self.folder,
            env=environ_with(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def api(self, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
        """Call `/api/v1/<path>` with the demo's key; POST when there is a body, once for each idempotency `key`."""
        headers = {"Authorization": f"Bearer {self.shown('API key').strip()}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=headers | ({"Idempotency-Key": key} if key else {}),
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def sandbox(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call a control of the sandbox: `/_sandbox/<path>`; POST when there is a body."""
        settings = dict(line.split("=", 1) for line in (self.folder / "instance" / "demo.env").read_text().splitlines())
        request = urllib.request.Request(
            f"{json.loads(settings['STRIPE_API_BASE'])}/_sandbox/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {json.loads(settings['STRIPE_SECRET_KEY'])}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Demo]:
    """`run.py` in `folder`, a copy of the project made on first use, until the block ends."""
    if not folder.exists():
        copy_project(folder)
    process = subprocess.Popen(
        [sys.executable, "run.py"],
        cwd=folder,
        env=environ_with(PORT=str(demo_port()), **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    screen = ""
    try:
        while "  stop  " not in screen:
            line = process.stdout.readline()
            assert line, screen + process.stderr.read()
            screen += line
        yield Demo(folder, screen)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
