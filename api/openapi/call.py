"""What is said of one call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from api.auth import scope_needed
from api.openapi.schemas import Schema

PARAMETER = re.compile(r"\{(\w+)\}")

# What can be wrong with a call because of what it is, whatever it does.
_ALWAYS = ("rate_limited", "database_unavailable")
_WITH_KEY = ("unauthenticated", "missing_scope")
_WITH_PATH = ("not_found",)
_WITH_QUERY = ("invalid", "not_found")  # not found: what asks with a NUL in it
_WITH_BODY = ("malformed", "too_large", "unsupported_media_type", "invalid")
_ONCE = ("idempotency_key_missing", "idempotency_key_reused", "idempotency_in_progress", "invalid")


@dataclass(frozen=True)
class Call:
    """One call of the API. `refuses` are the codes that are its own; the usual ones are added."""

    method: str
    path: str
    """Below `/api/v1`, with `{parameters}`."""
    summary: str
    answers: Mapping[int, Schema]
    """Status of success → its body."""
    description: str = ""
    path_fields: Mapping[str, Schema] = field(default_factory=dict)
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    body_optional: bool = False
    once: bool = False
    """Whether it needs an `Idempotency-Key`."""
    public: bool = False
    refuses: tuple[str, ...] = ()
    example: Mapping[str, object] | None = None
    media_types: tuple[str, ...] = ("application/json",)

    @cached_property
    def scope(self) -> str | None:
        """The scope that the API key needs; None where no key is needed."""
        return None if self.public else scope_needed(self.method, self.path.removeprefix("/"))

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Every code that it can answer."""
        usual = [
            *(() if self.public else _WITH_KEY),
            *(_WITH_PATH if PARAMETER.search(self.path) else ()),
            *(_WITH_QUERY if self.query else ()),
            *(_WITH_BODY if self.body is not None else ()),
            *(_ONCE if self.once else ()),
            *_ALWAYS,
        ]
        return tuple(dict.fromkeys((*self.refuses, *usual)))

    @cached_property
    def operation_id(self) -> str:
        """A name of its own: `post_holds_hold_capture`."""
        return "_".join([self.method.lower(), *re.findall(r"[a-z]+", self.path)])

    @cached_property
    def room(self) -> str:
        """The noun that it belongs to: the first part of its path, or the second under a customer."""
        parts = self.path.strip("/").split("/")
        return parts[2] if parts[0] == "customers" and len(parts) > 2 else parts[0]
