"""A server that plays back answers, to see what the client sends and does with each."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)

    @property
    def key(self) -> str | None:
        return self.headers.get("Idempotency-Key")


@dataclass(frozen=True)
class Answer:
    """What goes out; `status` 0 closes the connection without a word."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


LOST = Answer(0)


def problem(status: int, code: str, /, *, headers: Mapping[str, str] | None = None, **members: Any) -> Answer:
    """A problem as the API writes it."""
    body = {"type": f"urn:saldo:problem:{code}", "title": code, "status": status, "detail": f"It is {code}."}
    return Answer(status, {**body, "code": code, "request_id": "req_1", **members}, headers or {})


class Playback:
    """The script and what came in; an answer is used once, the last one for ever."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.requests: list[Request] = []
        self.script: list[Answer] = []
        self._lock = threading.Lock()

    def play(self, *answers: Answer) -> None:
        self.script = list(answers)

    def take(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    @property
    def keys(self) -> list[str | None]:
        return [request.key for request in self.requests]


@contextmanager
def playing() -> Iterator[Playback]:
    """The server, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            answer = playback.take(Request(self.command, self.path, dict(self.headers), text))
            if answer.status == 0:
                self.close_connection = True
                return
            raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    playback = Playback(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield playback
    server.shutdown()
    server.server_close()
    thread.join(5)
