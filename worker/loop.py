"""Rounds of work: each task when its time has come, each item on its own, so that one failing stops nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog
from flask import Flask

from worker.tasks import TASKS, Task

PAUSE_SECONDS = 2.0
"""How long a worker rests between rounds."""

FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3600.0
"""An item that failed, or is still unfinished, waits twice as long each time, between these two."""

FORGOTTEN_AFTER_SECONDS = 2 * LONGEST_WAIT_SECONDS

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Wait:
    until: float
    seconds: float


@dataclass(slots=True)
class Round:
    """How many items of each task were done, and which failed."""

    done: dict[str, int] = field(default_factory=dict)
    failed: dict[str, list[int | str]] = field(default_factory=dict)


class Worker:
    """Works until it is told to stop; it ends between two items, never in the middle of one."""

    def __init__(
        self, app: Flask, tasks: Iterable[Task] = TASKS, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._tasks = tuple(tasks)
        self._seconds = seconds
        self._stopped = threading.Event()
        self._next_run: dict[str, float] = {}
        self._waits: dict[tuple[str, int | str], _Wait] = {}

    def stop(self) -> None:
        """End after the item in work; may be called from a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Work round after round until stopped."""
        _log.info("worker_started")
        while not self._stopped.is_set():
            self.run_once()
            self._stopped.wait(PAUSE_SECONDS)
        _log.info("worker_stopped")

    def run_once(self) -> Round:
        """One round: every task whose time has come."""
        result = Round()
        for task in self._tasks:
            if self._seconds() >= self._next_run.get(task.name, 0.0):
                self._run_task(task, result)
                self._next_run[task.name] = self._seconds() + task.every.total_seconds()
        self._forget_waits()
        return result

    def _run_task(self, task: Task, result: Round) -> None:
        try:
            with self._app.app_context():
                items = list(task.find())
        except Exception as error:
            _log.error("work_not_found", task=task.name, error=type(error).__name__)
            result.failed.setdefault(task.name, [])
            return
        for item in items:
            if self._stopped.is_set():
                return
            wait = self._waits.get((task.name, item))
            if wait is None or self._seconds() >= wait.until:
                self._do(task, item, result)

    def _do(self, task: Task, item: int | str, result: Round) -> None:
        finished = False
        try:
            # A context of its own gives each item a database session of its own.
            with self._app.app_context():
                finished = task.do(item)
        except Exception as error:
            _log.error("work_failed", task=task.name, item=item, error=type(error).__name__)
            result.failed.setdefault(task.name, []).append(item)
        else:
            result.done[task.name] = result.done.get(task.name, 0) + 1
        if finished:
            self._waits.pop((task.name, item), None)
        else:
            self._wait_longer((task.name, item))

    def _wait_longer(self, key: tuple[str, int | str]) -> None:
        before = self._waits.get(key)
        seconds = min(2 * before.seconds, LONGEST_WAIT_SECONDS) if before else FIRST_WAIT_SECONDS
        self._waits[key] = _Wait(self._seconds() + seconds, seconds)

    def _forget_waits(self) -> None:
        now = self._seconds()
        old = [key for key, wait in self._waits.items() if now - wait.until > FORGOTTEN_AFTER_SECONDS]
        for key in old:
            del self._waits[key]
