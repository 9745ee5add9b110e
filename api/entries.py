"""`GET /customers/{c}/entries`: every movement of credits, newest first."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api import query
from api.answers import credits, page, time
from api.blueprint import bp
from api.paths import customer_at
from billing import accounts
from billing.ledger import history
from billing.ledger.history import EntryView

KINDS = ("PURCHASE", "CREDIT", "DEBIT", "REFUND")


@bp.get("/customers/<public_id>/entries")
def list_entries(public_id: str) -> Response:
    """One page of entries; `from` is inclusive, `to` exclusive."""
    customer = customer_at(public_id)
    filters: dict[str, Any] = {
        "kind": query.choice("kind", KINDS),
        "from_": query.moment("from"),
        "to": query.moment("to"),
        "reference": query.text("reference"),
        "limit": query.limit(),
        "cursor": request.args.get("cursor"),
    }
    accounts.ensure_up_to_date(customer.account_id)
    found = history.list_entries(customer.account_id, **filters)
    return page([write_entry(entry) for entry in found.entries], found.next_cursor)


def write_entry(entry: EntryView) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "id": entry.id,
        "seq": entry.seq,
        "kind": entry.kind,
        "reason": entry.reason,
        "amount": credits(entry.amount),
        "balance_after": credits(entry.balance_after),
        "action": entry.action,
        "description": entry.description,
        "reference": entry.reference,
        "reverses": entry.reverses,
        "grants": [{"grant": grant, "amount": credits(amount)} for grant, amount in entry.grants],
        "metadata": entry.metadata,
        "actor": _write_actor(entry.actor),
        "created_at": time(entry.at),
    }


def _write_actor(actor: str | None) -> dict[str, str | None]:
    kind, _, name = (actor or "system").partition(":")
    return {"type": kind, "id": name or None}
