"""What the benchmarks say must follow from what was measured: ratios, marks, and answers that are no answers."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.__main__ import _line, _told
from bench.load import UnexpectedAnswer, press, request
from bench.rounds import Effort, Figure, in_turn, ratios
from bench.table import ROWS, Row

TINY = Effort(rounds=3, seconds=0.2, scale=0)


def row(floor: float, goal: float, *, at_most: bool = False) -> Row:
    return Row("name", lambda *_: Figure([1.0], ""), floor, goal, at_most)


def test_rounds_are_measured_in_turn_after_a_warm_up() -> None:
    order: list[str] = []
    numbers = itertools.count(1)

    def side(name: str) -> float:
        order.append(name)
        return float(next(numbers))

    pairs = in_turn(TINY, lambda _: side("a"), lambda _: side("b"))
    assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert pairs == [(3, 4), (6, 5), (7, 8)]


def test_value_is_the_median_of_the_ratios() -> None:
    figure = ratios([(1, 2), (3, 4), (9, 10)], "{:.0f} against {:.0f}", [])
    assert figure.rounds == [0.5, 0.75, 0.9]
    assert figure.value == 0.75
    assert figure.about == "3 against 4"


@pytest.mark.parametrize(
    ("value", "at_most", "word"),
    [
        (1.0, False, "goal"),
        (0.7, False, "floor"),
        (0.5, False, "below the floor"),
        (0.6, True, "goal"),
        (1.0, True, "floor"),
        (1.1, True, "below the floor"),
    ],
)
def test_line_says_which_mark_is_reached(value: float, at_most: bool, word: str) -> None:
    marked = row(1.0, 0.6, at_most=True) if at_most else row(0.6, 1.0)
    assert f": {word}\n" in _line(marked, Figure([value], ""))


def test_line_says_fail_when_the_books_are_wrong() -> None:
    assert ": FAIL\n" in _line(row(0.6, 1.0), Figure([2.0], "", ["flask ledger audit: I01"]))


def test_json_has_every_round() -> None:
    told = _told(row(0.6, 1.0), Figure([0.5, 0.75, 0.9], ""))
    assert told == {"name": "name", "value": 0.75, "floor": 0.6, "goal": 1.0, "rounds": [0.5, 0.75, 0.9]}


def test_table_has_the_twelve_names() -> None:
    assert len({each.name for each in ROWS}) == len(ROWS) == 12
    assert all(each.reaches(each.goal, each.floor) for each in ROWS)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(402 if body == b"{}" else 201)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Keep still."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_press_counts_every_answer_of_every_client(port: int) -> None:
    sent: list[bytes] = []

    def requests() -> Iterator[bytes]:
        while True:
            sent.append(request("POST", "/", body=b'{"a": 1}', Idempotency_Key="k"))
            yield sent[-1]

    answered = press(port, requests(), seconds=0.1, clients=3, status=201)
    assert answered.count == len(sent) == len(answered.latencies) > 3
    assert answered.percentile(50) <= answered.percentile(99) <= answered.seconds
    assert b"Idempotency-Key: k\r\n" in sent[0]


def test_press_refuses_answers_of_another_status(port: int) -> None:
    with pytest.raises(UnexpectedAnswer, match="not 201"):
        press(port, itertools.repeat(request("POST", "/", body=b"{}")), seconds=0.1, clients=2, status=201)
