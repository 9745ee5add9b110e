"""Processes under measure: gunicorn with Saldo's own configuration, for Saldo and for what it is compared with."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import ROOT

START_SECONDS = 60


class DidNotStart(Exception):
    """A process ended, or did not answer in time; the text is the end of what it wrote."""


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(log: Path, environ: dict[str, str], port: int, *command: str, folder: Path = ROOT) -> Iterator[None]:
    """A process group that answers HTTP on `port` for as long as the block runs."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_for(process, log, port)
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def gunicorn(app: str, log: Path, environ: dict[str, str]) -> Iterator[int]:
    """A WSGI application on gunicorn as Saldo ships it; yields its port."""
    port = free_port()
    command = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", app)
    with running(log, environ | {"PORT": str(port)}, port, *command):
        yield port


def _wait_for(process: subprocess.Popen[bytes], log: Path, port: int) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise DidNotStart(log.read_text(errors="replace")[-2000:])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
