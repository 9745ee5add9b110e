"""Identifiers people and apps see: a prefix that says what it names, then something unguessable or exact."""

from __future__ import annotations

import secrets
import time

from billing.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """A new id such as ``pay_01k…``: 48 bits of time, so that indexes stay compact, and 80 random bits."""
    number = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def ledger_id(prefix: str, account_id: int, number: int) -> str:
    """The id of a row in one account's books: ``en`` entry, ``gr`` grant, ``ho`` hold."""
    return f"{prefix}_{account_id}_{number}"


def parse_ledger_id(prefix: str, value: str) -> tuple[int, int]:
    """Account and number that ``ledger_id`` put together; raises ``NotFound`` for anything else."""
    parts = value.split("_")
    if len(parts) != 3 or parts[0] != prefix:
        raise NotFound()
    for part in parts[1:]:
        if not (part.isascii() and part.isdigit() and len(part) <= 18 and not part.startswith("0")):
            raise NotFound()
    return int(parts[1]), int(parts[2])
