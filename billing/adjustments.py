"""Credits given or taken by hand, and debts forgiven: by staff, by an operator's command, by an app's call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from billing import accounts, audit_log, clock, influencers, limits
from billing.db import transaction
from billing.errors import Conflict, Invalid, NotPermitted
from billing.ids import ledger_id
from billing.ledger.book import Book
from billing.ledger.grants import Terms, burn_down, open_grant
from billing.ledger.history import EntryView, read_entry
from billing.ledger.posting import Note, posted_seq
from billing.money import format_credits_plain

MAX_DESCRIPTION_CHARACTERS = 500

LATEST_EXPIRY = timedelta(days=100 * 366)
"""Later than this is "never", and surely a slip."""

UNITS = {"grant": "granted", "take": "taken", "forgive": "forgiven"}
"""Under which word an act counts towards the day of whoever does it."""


def grant_credits(
    account_id: int,
    amount: int,
    description: str,
    actor: str,
    reason: str = "staff",
    expires_at: datetime | None = None,
    scope: str | None = None,
    source: str | None = None,
    day_limit: int | None = None,
) -> EntryView:
    """Give an account `amount` micro-credits and answer the CREDIT entry.

    `description` says why and is required (F136); `scope` is an influencer that alone they pay for;
    `source` is the business key by which a repeated call finds the entry of the first (R6); `day_limit` is the most
    that `actor` may give in one day. What staff give is written to the audit log with it. Raises `Invalid`,
    `InvalidAmount`, `LimitExceeded`, `NotFound`, and `NotPermitted` beyond the day's limit.
    """
    if scope is not None:
        influencers.find(scope)
    if expires_at is not None and not clock.now() < expires_at < clock.now() + LATEST_EXPIRY:
        raise Invalid("expires_at: a time in the future, within a hundred years")

    def give(book: Book, note: Note) -> tuple[int, int]:
        terms = Terms(expires_at=expires_at, scope=scope)
        grant = open_grant(book, "CREDIT", reason, amount, at=book.now, terms=terms, note=note, source=source)
        return grant.seq, amount

    return _by_hand("grant", account_id, give, description, actor, source, day_limit)


def take_credits(
    account_id: int,
    amount: int,
    description: str,
    actor: str,
    *,
    source: str | None = None,
    day_limit: int | None = None,
) -> EntryView:
    """Take `amount` micro-credits from an account, in burn order, and answer the DEBIT entry.

    Never more than can be spent, so it makes no debt. Otherwise like `grant_credits`; raises `InsufficientCredits`.
    """

    def take(book: Book, note: Note) -> tuple[int, int]:
        return burn_down(book, amount, "staff", scope=None, note=note, source=source).seq, amount

    return _by_hand("take", account_id, take, description, actor, source, day_limit)


def forgive_debt(
    account_id: int,
    description: str,
    actor: str,
    *,
    amount: int | None = None,
    source: str | None = None,
    day_limit: int | None = None,
) -> EntryView:
    """Forgive an account's debt, or `amount` micro-credits of it, and answer the CREDIT entry that pays it.

    Should the refund that made the debt fail later, what was forgiven of it is un-forgiven (R7). Raises `Conflict`
    when there is no debt, `Invalid` when it is less than `amount`; otherwise like `grant_credits`.
    """

    def forgive(book: Book, note: Note) -> tuple[int, int]:
        forgiven = book.debt if amount is None else amount
        if not book.debt:
            raise Conflict("There is no debt to forgive.")
        if forgiven > book.debt:
            raise Invalid("amount: no more than the debt")
        return open_grant(
            book, "CREDIT", "debt_forgiven", forgiven, at=book.now, note=note, source=source
        ).seq, forgiven

    return _by_hand("forgive", account_id, forgive, description, actor, source, day_limit)


def _by_hand(
    act: str,
    account_id: int,
    post: Callable[[Book, Note], tuple[int, int]],
    description: str,
    actor: str,
    source: str | None,
    day_limit: int | None,
) -> EntryView:
    """Post one entry, once by its key, with what was done counted and written down in the same transaction."""
    description = description.strip()
    if not description or len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise Invalid(f"description: say why, in 1 to {MAX_DESCRIPTION_CHARACTERS} characters")
    with transaction(), accounts.open_account(account_id) as book:
        # Key before anything else, and under the lock: twins at once become one.
        seq = posted_seq(account_id, source)
        if seq is None:
            seq, amount = post(book, Note(actor=actor, description=description))
            if day_limit is not None and not limits.count(actor, UNITS[act], amount, book.now, most=day_limit):
                raise NotPermitted("This is more than you may do in one day.")
            if actor.startswith("staff:"):
                audit_log.record(
                    act,
                    actor=actor,
                    account_id=account_id,
                    subject=ledger_id("en", account_id, seq),
                    detail={"credits": format_credits_plain(amount)},
                )
    entry = read_entry(account_id, seq)
    assert entry is not None
    return entry
