"""Usage: recording what apps have done already, and reading what was used."""

from billing.usage.reading import (
    GROUPS,
    GroupBy,
    Refusal,
    UsageLine,
    UsagePage,
    UsageRow,
    list_events,
    list_refusals,
    summarize,
)
from billing.usage.recording import MAX_EVENTS, MAX_ID_CHARACTERS, EventResult, UsageEvent, record_event, record_events

__all__ = [
    "GROUPS",
    "MAX_EVENTS",
    "MAX_ID_CHARACTERS",
    "EventResult",
    "GroupBy",
    "Refusal",
    "UsageEvent",
    "UsageLine",
    "UsagePage",
    "UsageRow",
    "list_events",
    "list_refusals",
    "record_event",
    "record_events",
    "summarize",
]
