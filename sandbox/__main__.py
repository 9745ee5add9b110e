"""``python -m sandbox``: a local stand-in for Stripe. No money moves."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from sandbox.server import Server
from sandbox.settings import API_VERSION, Settings, UnsafeSettings


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; 2 for settings that are not safe or a port that is taken."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--webhook-url", default="", help="where events are sent")
    parser.add_argument("--secret-key", required=True, help="sk_test_…, the only key that is accepted")
    parser.add_argument("--webhook-secret", required=True, help="whsec_…, signs the events")
    parser.add_argument("--clock-file", required=True, type=Path, help="keeps the clock's offset in seconds")
    parser.add_argument("--state", type=Path, help="SQLite file that keeps the state; in memory without it")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="sandbox: %(message)s")
    try:
        settings = Settings(
            secret_key=chosen.secret_key,
            webhook_secret=chosen.webhook_secret,
            clock_file=chosen.clock_file,
            webhook_url=chosen.webhook_url,
            state_file=chosen.state,
            host=chosen.host,
            port=chosen.port,
        )
        server = Server(settings)
    except (UnsafeSettings, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2

    def interrupted(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    server.start()
    sys.stdout.write(f"Sandbox for Stripe {API_VERSION} on {settings.base_url} (no money moves)\n")
    sys.stdout.flush()
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
