"""How the worker goes about its work, whatever the work is."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from flask import Flask

from worker.loop import Worker
from worker.tasks import Task


class Pile:
    """Work to test with: items that are found again until they are done; `bad` ones always fail."""

    def __init__(self, *items: str, bad: tuple[str, ...] = (), unfinished: tuple[str, ...] = ()) -> None:
        self.items = list(items)
        self.bad = bad
        self.unfinished = unfinished
        self.tried: list[str] = []

    def task(self, name: str = "pile", every: float = 0) -> Task:
        return Task(name, timedelta(seconds=every), lambda: list(self.items), self.do)

    def do(self, item: int | str) -> bool:
        name = str(item)
        self.tried.append(name)
        if name in self.bad:
            raise RuntimeError("ana@example.com is to blame")
        if name in self.unfinished:
            return False
        self.items.remove(name)
        return True


def test_goes_on_after_an_item_that_fails(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = Pile("a", "b", "c", bad=("b",)), Pile("d")
    result = Worker(app, [first.task("first"), second.task("second")]).run_once()
    assert first.tried == ["a", "b", "c"]
    assert result.done == {"first": 2, "second": 1}
    assert result.failed == {"first": ["b"]}
    output = "".join(capsys.readouterr())
    assert "work_failed" in output
    assert "RuntimeError" in output
    assert "ana@example.com" not in output


def test_goes_on_when_a_task_cannot_look(app: Flask) -> None:
    def fail() -> list[str]:
        raise RuntimeError

    pile = Pile("a")
    blind = Task("blind", timedelta(0), fail, lambda _item: True)
    result = Worker(app, [blind, pile.task()]).run_once()
    assert (result.failed, result.done) == ({"blind": []}, {"pile": 1})


@pytest.mark.parametrize("kind", ["bad", "unfinished"])
def test_leaves_an_item_alone_for_longer_and_longer(app: Flask, kind: str) -> None:
    pile = Pile("a", "b", **{kind: ("a",)})  # type: ignore[arg-type]
    second = 0
    worker = Worker(app, [pile.task()], seconds=lambda: second)
    tries = []
    for second in range(0, 250, 10):
        before = pile.tried.count("a")
        worker.run_once()
        tries += [second] if pile.tried.count("a") > before else []
    assert tries == [0, 30, 90, 210]
    assert pile.tried.count("b") == 1


def test_tries_a_finished_item_again_at_once_when_it_is_due_again(app: Flask) -> None:
    pile = Pile("a")
    worker = Worker(app, [pile.task()])
    worker.run_once()
    pile.items.append("a")
    worker.run_once()
    assert pile.tried == ["a", "a"]


def test_runs_a_task_no_more_often_than_it_asks_for(app: Flask) -> None:
    pile = Pile("a")
    second = 0
    worker = Worker(app, [pile.task(every=60)], seconds=lambda: second)
    worker.run_once()
    pile.items.append("b")
    second = 59
    worker.run_once()
    assert pile.tried == ["a"]
    second = 60
    worker.run_once()
    assert pile.tried == ["a", "b"]


def test_ends_between_two_items_when_told_to(app: Flask) -> None:
    pile = Pile("a", "b", "c")
    worker = Worker(app, [pile.task()])
    do, seen = pile.do, []

    def stop_after_the_first(item: int | str) -> bool:
        seen.append(item)
        worker.stop()
        return do(item)

    pile.do = stop_after_the_first  # type: ignore[method-assign]
    worker = Worker(app, [pile.task()])
    thread = threading.Thread(target=worker.run)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert seen == ["a"]


def test_does_not_spin(app: Flask) -> None:
    pile = Pile()
    worker = Worker(app, [pile.task()])
    thread = threading.Thread(target=worker.run)
    before = time.process_time()
    thread.start()
    time.sleep(0.5)
    worker.stop()
    thread.join(timeout=10)
    assert time.process_time() - before < 0.3
