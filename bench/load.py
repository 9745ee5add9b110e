"""Clients that keep a server busy: each on a connection of its own, one request after the other.

One thread serves them all by readiness, since what the clients use of the processor is missing to the server.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: how many, in how long, and how long each took (sorted, in seconds)."""

    count: int
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds

    def percentile(self, percent: float) -> float:
        """The time within which that share was answered, in seconds."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * percent / 100))]


class UnexpectedAnswer(Exception):
    """The server said something else than it should; a rate of such answers would mean nothing."""


class _Client:
    """One connection and the request that is under way on it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._buffer = b""
        self.sent_at = 0.0
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> None:
        self._buffer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """The whole answer, or None as long as some of it is missing."""
        part = self.socket.recv(262_144)
        if not part:
            raise UnexpectedAnswer("the server hung up")
        self._buffer += part
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0:
            return None
        length = _length_of(self._buffer[:end])
        return self._buffer if len(self._buffer) >= end + 4 + length else None


def _length_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise UnexpectedAnswer("an answer without a length")


def press(port: int, requests: Iterator[bytes], *, seconds: float, clients: int = 16, status: int = 200) -> Answered:
    """Let `clients` send what `requests` yields for so long; every answer has to have that status.

    Requests under way at the end are waited for and counted, with the time that takes. Raises `UnexpectedAnswer`.
    """
    expected = b" %d " % status
    latencies: list[float] = []
    others: Counter[bytes] = Counter()
    with selectors.DefaultSelector() as selector:
        busy = [_Client(port) for _ in range(clients)]
        for client in busy:
            selector.register(client.socket, selectors.EVENT_READ, client)
        begun_at = time.perf_counter()
        ends_at = begun_at + seconds
        for client in busy:
            client.send(next(requests))
        under_way = clients
        while under_way:
            for key, _ in selector.select(timeout=60):
                client = key.data
                answer = client.receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                if expected not in answer[:16]:
                    others[answer[:200]] += 1
                latencies.append(now - client.sent_at)
                if now < ends_at and not others:
                    client.send(next(requests))
                else:
                    under_way -= 1
                    selector.unregister(client.socket)
                    client.socket.close()
    if others:
        raise UnexpectedAnswer(f"not {status}: {others.most_common(1)[0][0].decode(errors='replace')}")
    return Answered(len(latencies), time.perf_counter() - begun_at, sorted(latencies))


def request(method: str, path: str, *, body: bytes = b"", **headers: str) -> bytes:
    """A request as bytes; names of headers with `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _END_OF_HEAD + body
