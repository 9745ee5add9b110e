"""The hand that spoils: changes rows of the copy past every trigger and constraint, or forges whole entries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Table, insert, select, text, update
from sqlalchemy.engine import Connection

from billing import clock
from billing.ids import new_id
from billing.ledger.posting import entry_hash
from billing.models import Account, Entry, Grant, Refund, Use
from billing.self_test.history import History


class Planting:
    """The copy, and the rows in it to go for."""

    def __init__(self, connection: Connection, history: History) -> None:
        self.connection = connection
        self.history = history
        self.account_id = history.account_id
        self.seqs = history.seqs
        self.ids = history.ids

    def set(self, model: Any, key: Any, value: Any, **values: Any) -> None:
        """Change one row of the account, whatever forbids it."""
        with self.unguarded():
            query = update(model).where(model.account_id == self.account_id, key == value).values(**values)
            assert self.connection.execute(query).rowcount == 1, "the row to spoil is there"

    def set_account(self, **values: Any) -> None:
        """Change the account's own row; a text is SQL."""
        self.set(Account, Account.account_id, self.account_id, **values)

    def run(self, statement: str, **values: Any) -> None:
        """Run SQL, whatever forbids it; ``:account`` is the account."""
        with self.unguarded():
            self.connection.execute(text(statement), {"account": self.account_id, **values})

    def drop(self, kind: str, name: str) -> None:
        """Drop an index or trigger."""
        self.connection.execute(text(f"DROP {kind} {name}"))

    def strip(self, model: Any) -> None:
        """Rebuild a table with no constraint at all."""
        table: Table = model.__table__
        self.connection.execute(text(f"CREATE TABLE bare AS SELECT * FROM {table.name}"))  # noqa: S608
        self.connection.execute(text(f"DROP TABLE {table.name}"))
        self.connection.execute(text(f"ALTER TABLE bare RENAME TO {table.name}"))

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """With CHECKs ignored and triggers out of the way."""
        triggers = self.connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        for name, _ in triggers:
            self.drop("TRIGGER", name)
        self.connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        yield
        self.connection.execute(text("PRAGMA ignore_check_constraints = OFF"))
        for _, statement in triggers:
            self.connection.execute(text(statement))

    def forge(self, kind: str, reason: str, amount: int, *, eats: int | None = None, **values: Any) -> int:
        """Append an entry as a careful forger would: sequence, hash, balance and the account's row fit.

        ``eats``: the grant it takes from or gives to. Answers its seq.
        """
        of_account = Account.account_id == self.account_id
        account = self.connection.execute(select(Account.__table__).where(of_account)).one()
        entry: dict[str, Any] = {
            **dict.fromkeys(column.name for column in Entry.__table__.columns),
            "account_id": self.account_id,
            "seq": account.last_seq + 1,
            "kind": kind,
            "reason": reason,
            "amount": amount,
            "balance_after": account.balance + amount,
            "at": max(account.last_at, clock.now()),
            "actor": "app:self-test",
            **values,
        }
        entry["hash"] = entry_hash(account.last_hash, _Named(entry))
        total = {"PURCHASE": "purchased", "CREDIT": "credited", "DEBIT": "debited", "REFUND": "refunded"}[kind]
        self.connection.execute(insert(Entry), entry)
        self.set_account(
            last_seq=entry["seq"],
            last_at=entry["at"],
            last_hash=entry["hash"],
            balance=entry["balance_after"],
            **{f"{total}_total": getattr(account, f"{total}_total") + amount},
        )
        if eats is not None:
            self.eat(entry["seq"], eats, -amount)
        return int(entry["seq"])

    def eat(self, entry_seq: int, grant_seq: int, amount: int) -> None:
        """Let an entry take from a grant."""
        use = {"account_id": self.account_id, "entry_seq": entry_seq, "n": 1, "grant_seq": grant_seq}
        self.connection.execute(insert(Use), {**use, "amount": amount, "booked_seq": None})
        self.set(Grant, Grant.seq, grant_seq, remaining=Grant.remaining - amount)

    def copy_grant(self, grant_seq: int, *, source: str | None) -> None:
        """Grant again what was granted, under a new entry."""
        of_grant = (Grant.account_id == self.account_id, Grant.seq == grant_seq)
        grant = dict(self.connection.execute(select(Grant.__table__).where(*of_grant)).one()._mapping)
        kind = "PURCHASE" if grant["purchased"] else "CREDIT"
        seq = self.forge(kind, grant["reason"], grant["granted"], scope=grant["scope"], source=source)
        fresh = {"seq": seq, "remaining": grant["granted"], "held": 0, "freeze_target": 0}
        self.connection.execute(insert(Grant), {**grant, **fresh})

    def refund(self, **values: Any) -> None:
        """Add a succeeded refund's row."""
        refund = {
            "id": new_id("rf"),
            "account_id": self.account_id,
            "payment_id": self.ids["pack"],
            "stripe_id": new_id("re"),
            "origin": "stripe",
            "amount_minor": 100,
            "currency": "usd",
            "credits_mode": "proportional",
            "status": "succeeded",
            "actor": "stripe",
            "created_at": clock.now(),
            "settled_at": clock.now(),
        }
        self.connection.execute(insert(Refund), {**refund, **values})


class _Named:
    """A row under way, read by attribute."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
