"""`docs/webhooks.md` says what `webhooks/registry.py` does, and what the door answers."""

from __future__ import annotations

import re
from datetime import timedelta

from billing.events import FIRST_RETRY_AFTER, RETRIES
from billing.stripe_gateway.signatures import TOLERANCE_SECONDS
from config import ROOT
from tests.docs.markdown import code, read, resolve, section, tables
from webhooks.registry import HANDLERS
from webhooks.views import MAX_BODY_BYTES

TEXT = read("docs/webhooks.md")


def test_events_are_those_of_the_registry() -> None:
    (table,) = tables(section(TEXT, "What comes of each event"))
    told = {code(event)[0]: (code(handler)[0], why) for event, handler, why in table}
    handled = {
        event: (handler.prepare.__module__.removeprefix("webhooks.handlers."), handler.why)
        for event, handler in HANDLERS.items()
    }
    assert told == handled


def test_answers_are_those_of_the_door() -> None:
    """Every word of an answer stands in the door's source, and every one there is told."""
    (table,) = tables(section(TEXT, "What Saldo answers"))
    told = set(re.findall(r'"status": "(\w+)"', "\n".join(row[0] for row in table)))
    source = "".join((ROOT / "webhooks" / name).read_text() for name in ("views.py", "inbox.py", "outcome.py"))
    direct = set(re.findall(r'_answer\("(\w+)"\)', source))
    booked = set(re.findall(r'Outcome\("(\w+)"', source)) | {"duplicate"}
    assert told == direct | booked
    assert f"{TOLERANCE_SECONDS} seconds" in TEXT
    assert MAX_BODY_BYTES == 1024 * 1024


def test_steps_name_functions_that_exist() -> None:
    names = [name for name in code(section(TEXT, "The life of an event")) if name.startswith("webhooks.")]
    assert len(names) == 2
    for name in names:
        assert callable(resolve(name))


def test_retries_come_when_they_are_said_to() -> None:
    tries = [FIRST_RETRY_AFTER * 2 ** max(0, attempts - 1) for attempts in range(1, RETRIES)]
    assert tries[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    assert f"after {tries[-1] // timedelta(hours=1)} hours" in TEXT
    assert f"one of the {RETRIES} tries" in TEXT


def test_notes_of_parked_events_are_those_of_the_code() -> None:
    (table,) = tables(section(TEXT, "Parked"))
    source = "".join(path.read_text() for room in ("billing", "webhooks") for path in (ROOT / room).rglob("*.py"))
    notes = set(re.findall(r'"(?:parked: |unreadable: )([^"{]*)', source)) - {""}
    told = [code(row[0])[0] for row in table]
    assert len(told) == 3
    for note in told:
        assert all(part.strip() in source for part in note.split("…")), note
    for note in notes:
        assert any(note.strip() in each for each in told), note
