"""Serves a sandbox on this machine, with its webhook thread and its ticking clock."""

from __future__ import annotations

import logging
import socket
import threading

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.app import create_app
from sandbox.billing.advancing import tick
from sandbox.settings import Settings
from sandbox.world import World

log = logging.getLogger("sandbox")


class _QuietHandler(WSGIRequestHandler):
    """The call log is kept by the control API; the console stays readable."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Server:
    """A running sandbox. Raises ``OSError`` when the port is taken."""

    def __init__(self, settings: Settings) -> None:
        # Bound here because the server library would end the process over a port that is taken.
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=128)
        self._app = create_app(settings)
        self._http: BaseWSGIServer = make_server(
            settings.host,
            settings.port,
            self._app,
            threaded=True,
            request_handler=_QuietHandler,
            fd=listening.detach(),
        )
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self.world: World = self._app.extensions["sandbox"]

    def start(self) -> None:
        """Serve in background threads."""
        self.world.sender.start()
        # shutdown() waits for the next poll, so tests that start many servers want it short.
        self._spawn("sandbox-http", lambda: self._http.serve_forever(poll_interval=0.01))
        if self.world.settings.tick_seconds > 0:
            self._spawn("sandbox-tick", self._tick)

    def stop(self) -> None:
        """Stop serving and keep the state."""
        self._stopped.set()
        # First the delivery under way: whoever receives it may still ask us something.
        self.world.sender.stop()
        self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join(timeout=5)
        with self.world.lock:
            self.world.store.close()

    def wait(self) -> None:
        """Block until :meth:`stop` is called elsewhere or the process is interrupted."""
        self._stopped.wait()

    def _spawn(self, name: str, run: object) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _tick(self) -> None:
        while not self._stopped.wait(self.world.settings.tick_seconds):
            try:
                tick(self.world)
            except Exception:
                log.exception("due work failed inside the sandbox")
