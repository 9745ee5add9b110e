"""The same debit as Saldo's, written the way one does first: ORM objects, one query after the other, one commit.

Key, customer, idempotency record, price, quota, row lock, grants in order, entry, uses, usage row.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime

from flask import Flask, Response, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PRICES = {"image": 5_000_000}
LIMITS = {"images": 1_000_000_000}


class Base(DeclarativeBase):
    """Base of the tables below."""


db = SQLAlchemy(model_class=Base)


class Key(Base):
    __tablename__ = "keys"
    id: Mapped[int] = mapped_column(primary_key=True)
    app: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str] = mapped_column(String(128), unique=True)
    balance: Mapped[int] = mapped_column(BigInteger)


class Grant(Base):
    __tablename__ = "grants"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    priority: Mapped[int]
    remaining: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Entry(Base):
    __tablename__ = "entries"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    action: Mapped[str | None] = mapped_column(String(64))
    amount: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Use(Base):
    __tablename__ = "uses"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), index=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class Quota(Base):
    __tablename__ = "quotas"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    resource: Mapped[str] = mapped_column(String(64))
    used: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (UniqueConstraint("account_id", "resource"),)


class Usage(Base):
    __tablename__ = "usage"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    action: Mapped[str] = mapped_column(String(64))
    credits: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Reply(Base):
    __tablename__ = "replies"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    app: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(255))
    fingerprint: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("app", "key"),)


app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCH_DATABASE"].replace("postgresql://", "postgresql+psycopg://")
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_pre_ping": True}
db.init_app(app)


def prepare(customers: list[str], secret: str, balance: int) -> None:
    """Make the tables, a key, and customers with two grants each."""
    with app.app_context():
        db.create_all()
        db.session.add(Key(app="bench", hash=_hash(secret.encode())))
        for customer in customers:
            account = Account(customer=customer, balance=2 * balance)
            db.session.add(account)
            db.session.flush()
            db.session.add(Quota(account_id=account.id, resource="images", used=0))
            for priority in (10, 50):
                db.session.add(Grant(account_id=account.id, priority=priority, remaining=balance, expires_at=None))
        db.session.commit()
        db.engine.dispose()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@app.post("/debits")
def debit() -> tuple[Response, int]:
    """Charge an action to a customer, once by Idempotency-Key."""
    secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
    key = db.session.scalar(select(Key).where(Key.hash == _hash(secret.encode())))
    if key is None:
        return jsonify(code="unauthenticated"), 401
    body = request.get_json()
    price = PRICES[body["action"]] * body.get("quantity", 1)
    account = db.session.scalar(select(Account).where(Account.customer == body["customer"]).with_for_update())
    if account is None:
        return jsonify(code="not_found"), 404
    once = request.headers["Idempotency-Key"]
    reply = db.session.scalar(select(Reply).where(Reply.app == key.app, Reply.key == once))
    if reply is not None:
        return jsonify(json.loads(reply.body)), 201
    quota = db.session.scalars(select(Quota).where(Quota.account_id == account.id, Quota.resource == "images")).one()
    if quota.used >= LIMITS["images"]:
        return jsonify(code="quota_exceeded"), 429
    if account.balance < price:
        return jsonify(code="insufficient_credits"), 402
    now = datetime.now(UTC)
    account.balance -= price
    quota.used += 1
    entry = Entry(
        account_id=account.id, kind="DEBIT", action=body["action"], amount=-price, balance_after=account.balance, at=now
    )
    db.session.add(entry)
    db.session.flush()
    left = price
    open_grants = select(Grant).where(Grant.account_id == account.id, Grant.remaining > 0)
    for grant in db.session.scalars(open_grants.order_by(Grant.priority, Grant.expires_at, Grant.id)):
        part = min(left, grant.remaining)
        if part:
            grant.remaining -= part
            left -= part
            db.session.add(Use(entry_id=entry.id, grant_id=grant.id, amount=part))
    db.session.add(Usage(account_id=account.id, action=body["action"], credits=price, at=now))
    answer = {"id": entry.id, "amount": price, "balance": account.balance}
    db.session.add(Reply(app=key.app, key=once, fingerprint=_hash(request.get_data()), body=json.dumps(answer)))
    db.session.commit()
    return jsonify(answer), 201
