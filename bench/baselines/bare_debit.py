"""The least HTTP debit: a Flask route and one committed statement, which takes the amount if it is there and notes it.

No key, no price, no grants, no idempotency: what is left is what any debit on this stack has to pay.
"""

from __future__ import annotations

import os
import threading

import psycopg
from flask import Flask, Response, jsonify, request

SCHEMA = """
CREATE TABLE accounts (id text PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account text NOT NULL, amount bigint NOT NULL,
    balance_after bigint NOT NULL, at timestamptz NOT NULL DEFAULT now()
);
"""

DEBIT = """
WITH taken AS (UPDATE accounts SET balance = balance - %(amount)s
               WHERE id = %(account)s AND balance >= %(amount)s RETURNING id, balance)
INSERT INTO entries (account, amount, balance_after) SELECT id, -%(amount)s, balance FROM taken
RETURNING id, balance_after
"""

app = Flask(__name__)
_kept = threading.local()


def _connection() -> psycopg.Connection:
    if not hasattr(_kept, "connection"):
        _kept.connection = psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True)
    return _kept.connection


@app.post("/debits")
def debit() -> tuple[Response, int]:
    """Take `amount` from `account`."""
    body = request.get_json()
    row = _connection().execute(DEBIT, body).fetchone()
    if row is None:
        return jsonify(code="insufficient_credits"), 402
    return jsonify(id=row[0], amount=body["amount"], balance=row[1]), 201


@app.get("/balance")
def balance() -> Response:
    """JSON out of nothing: what Flask and gunicorn themselves cost."""
    return jsonify(customer="user", balance=100, held=0, available=100)
