"""Credits given by hand: by staff, by an operator's command, by an app's call."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from billing import accounts, audit_log, catalog, clock
from billing.db import connection, transaction
from billing.errors import Invalid
from billing.ids import ledger_id
from billing.ledger.grants import Terms, open_grant
from billing.ledger.history import EntryView, read_entry
from billing.ledger.posting import Note
from billing.models import Entry
from billing.money import format_credits_plain

MAX_DESCRIPTION_CHARACTERS = 500

LATEST_EXPIRY = timedelta(days=100 * 366)
"""Later than this is "never", and surely a slip."""


def grant_credits(
    account_id: int,
    amount: int,
    description: str,
    actor: str,
    reason: str = "staff",
    expires_at: datetime | None = None,
    scope: str | None = None,
    source: str | None = None,
) -> EntryView:
    """Give an account `amount` micro-credits and answer the CREDIT entry.

    `description` says why and is required (F136); `scope` is an influencer that alone they pay for;
    `source` is the business key by which a repeated call finds the entry of the first (R6). What staff give
    is written to the audit log with it. Raises `Invalid`, `InvalidAmount`, `LimitExceeded`, `NotFound`.
    """
    description = description.strip()
    if not description or len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise Invalid(f"description: say why, in 1 to {MAX_DESCRIPTION_CHARACTERS} characters")
    if scope is not None:
        catalog.current().influencer(scope)
    if expires_at is not None and not clock.now() < expires_at < clock.now() + LATEST_EXPIRY:
        raise Invalid("expires_at: a time in the future, within a hundred years")
    with transaction(), accounts.open_account(account_id) as book:
        # Key before anything else, and under the lock: twins at once become one.
        seq = _posted_seq(account_id, source) if source is not None else None
        if seq is None:
            terms = Terms(expires_at=expires_at, scope=scope)
            note = Note(actor=actor, description=description)
            grant = open_grant(book, "CREDIT", reason, amount, at=book.now, terms=terms, note=note, source=source)
            seq = grant.seq
            if actor.startswith("staff:"):
                audit_log.record(
                    "grant",
                    actor=actor,
                    account_id=account_id,
                    subject=ledger_id("en", account_id, seq),
                    detail={"credits": format_credits_plain(amount)},
                )
    entry = read_entry(account_id, seq)
    assert entry is not None
    return entry


def _posted_seq(account_id: int, source: str) -> int | None:
    return connection().scalar(select(Entry.seq).where(Entry.source == source, Entry.account_id == account_id))
