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
from billing.usage.tracing import JobRecord, Trace, find_job, find_jobs_of, trace_job

__all__ = [
    "GROUPS",
    "MAX_EVENTS",
    "MAX_ID_CHARACTERS",
    "EventResult",
    "GroupBy",
    "JobRecord",
    "Refusal",
    "Trace",
    "UsageEvent",
    "UsageLine",
    "UsagePage",
    "UsageRow",
    "find_job",
    "find_jobs_of",
    "list_events",
    "list_refusals",
    "record_event",
    "record_events",
    "summarize",
    "trace_job",
]
