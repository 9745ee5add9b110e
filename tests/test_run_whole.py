"""`python3 run.py` as a newcomer meets it: one command starts all of it, Ctrl-C ends all of it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.sandbox_server import demo_port
from tests.servers import copy_project, environ_with

pytestmark = pytest.mark.slow  # it starts everything there is, a dozen times


class Demo:
    """A running `run.py`, and what its first screen says."""

    def __init__(self, process: subprocess.Popen[str], screen: str) -> None:
        self.process = process
        self.screen = screen
        self.children = psutil.Process(process.pid).children(recursive=True)

    def shown(self, name: str) -> str:
        """What stands behind this word on the first screen."""
        found = re.search(rf"^  {name}  +(.+)$", self.screen, re.MULTILINE)
        assert found, self.screen
        return found[1]

    def wait(self) -> int:
        """The exit status; by then every process that it started has ended too."""
        status = self.process.wait(30)
        _, alive = psutil.wait_procs(self.children, timeout=10)
        assert not alive
        return status


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a folder of its own, with this environment's packages."""
    folder = tmp_path_factory.mktemp("clone") / "saldo"
    copy_project(folder)
    return folder


@contextmanager
def demo(clone: Path, port: int) -> Iterator[Demo]:
    """`run.py`, up to its first screen."""
    process = subprocess.Popen(
        [sys.executable, "run.py"],
        cwd=clone,
        env=environ_with(PORT=str(port)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    screen = ""
    while "  stop  " not in screen:
        line = process.stdout.readline()
        assert line, screen + process.stderr.read()
        screen += line
    running = Demo(process, screen)
    try:
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        running.wait()


def run(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=clone, env=environ_with(), capture_output=True, text=True, timeout=60)


def test_run_serves_beside_a_taken_port_and_keeps_its_data(clone: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", demo_port()))
        other.listen()
        taken = other.getsockname()[1]
        with demo(clone, taken) as first:
            url = first.shown("open")
            assert url.startswith("http://127.0.0.1:")
            assert not url.endswith(str(taken))
            assert "sandbox: no money moves" in first.screen
            assert re.fullmatch(rf"\S+@\S+  password \S+  at {url}/login", first.shown("customer"))
            assert first.shown("staff").endswith(f"at {url}/staff")
            assert first.shown("API key").startswith("sk_saldo_")
            with urllib.request.urlopen(f"{url}/readyz") as answer:
                assert answer.status == 200
            # Commands in another terminal meet the same server's data without any setting.
            audit = run(clone, ".venv/bin/flask", "ledger", "audit")
            assert audit.returncode == 0, audit.stderr
            again = run(clone, sys.executable, "run.py")
            assert again.returncode == 1
            assert "running in this folder already" in again.stderr
            assert run(clone, sys.executable, "run.py", "reset").returncode == 1
            first.process.send_signal(signal.SIGINT)
            assert first.wait() == 0
    assert not (clone / ".flaskenv").is_symlink()
    with demo(clone, taken) as second:
        for name in ("customer", "staff", "API key"):
            assert second.shown(name).partition("  at ")[0] == first.shown(name).partition("  at ")[0]


def test_run_ends_whole_when_a_part_of_it_ends(clone: Path) -> None:
    with demo(clone, demo_port()) as running:
        [worker] = [child for child in running.children if child.cmdline()[-2:] == ["flask", "worker"]]
        worker.kill()
        assert running.wait() == 1
        assert running.process.stderr is not None
        assert "the worker ended (-9)" in running.process.stderr.read()


def test_run_takes_its_processes_along_when_killed_and_reset_cleans_up(clone: Path) -> None:
    with demo(clone, demo_port()) as running:
        running.process.kill()
        assert running.wait() == -signal.SIGKILL
    assert (clone / "instance" / "saldo.sqlite3").exists()
    assert run(clone, sys.executable, "run.py", "reset").returncode == 0
    assert [path.name for path in (clone / "instance").iterdir()] == ["run.lock"]
    assert not (clone / ".flaskenv").is_symlink()
