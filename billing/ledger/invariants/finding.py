"""What a check found: one breach of one invariant in one place of one account's books."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach of ``invariant`` (``I05``) at ``where`` (``entry=12``); amounts in micro-credits.

    ``account_id`` is None where the database itself is at fault, ``since_seq`` the entry from which on it holds.
    """

    invariant: str
    account_id: int | None
    where: str
    expected: object
    found: object
    since_seq: int | None = None
