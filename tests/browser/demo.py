"""The whole of Saldo as a newcomer starts it: `run.py` in a copy of the project, on ports of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import ROOT, Settings

_NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", ".env", ".flaskenv", "instance", "tests", "docs", "__pycache__", ".*_cache", ".hypothesis"
)


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
            env=_environ(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

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
        shutil.copytree(ROOT, folder, ignore=_NOT_COPIED)
        (folder / ".venv").symlink_to(sys.prefix)
    process = subprocess.Popen(
        [sys.executable, "run.py"],
        cwd=folder,
        env=_environ(PORT=str(_free_port()), **settings),
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


def _environ(**settings: str) -> dict[str, str]:
    """This process's environment with these settings of Saldo and no others."""
    names = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in names} | settings


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
