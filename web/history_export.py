"""`/history/export`: the movements that the history page shows, as a file.

Newest first, like the page. The first page read fixes where the file begins; what is booked while it is being
written is newer, and so in none of the later ones (F061).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user, login_required

from billing import accounts
from billing.clock import now, to_rfc3339
from billing.ledger import history
from billing.ledger.history import EntryView
from billing.money import credits_to_decimal, credits_to_json, dumps
from billing.spreadsheet import Cell, csv_lines
from web import words
from web.downloads import attachment
from web.history import FilterForm, filters_of, refused
from web.locale import page_locale
from web.session import account_id

bp = Blueprint("history_export", __name__)


@bp.get("/history/export")
@login_required
def download() -> ResponseReturnValue:
    """`format=csv` (the default) or `json`, with the filters of the page; a wrong filter leads back to it."""
    form = FilterForm(request.args)
    if not form.validate():
        return refused(form)
    accounts.ensure_up_to_date(account_id())
    entries = _entries(account_id(), filters_of(form))
    if request.args.get("format") == "json":
        return attachment(stream_with_context(_json_lines(entries)), "history", "json")
    return attachment(stream_with_context(csv_lines(_rows(entries), page_locale())), "history", "csv")


def _entries(account: int, filters: dict[str, Any]) -> Iterator[EntryView]:
    """All entries that fit, read page by page; the first page is read at once, so that errors are still a page."""
    page = history.list_entries(account, **filters, limit=history.MAX_PAGE)

    def follow(page: history.Page) -> Iterator[EntryView]:
        while True:
            yield from page.entries
            if page.next_cursor is None:
                return
            page = history.list_entries(account, **filters, limit=history.MAX_PAGE, cursor=page.next_cursor)

    return follow(page)


def _rows(entries: Iterator[EntryView]) -> Iterator[list[Cell]]:
    yield [
        gettext("Number"),
        gettext("When (UTC)"),
        gettext("What"),
        gettext("Details"),
        gettext("Reference"),
        gettext("Credits"),
        gettext("Balance after"),
        gettext("Kind"),
    ]
    for entry in entries:
        yield [
            entry.seq,
            entry.at.strftime("%Y-%m-%d %H:%M:%S"),
            words.entry_title(entry),
            words.entry_detail(entry),
            entry.reference,
            credits_to_decimal(entry.amount),
            credits_to_decimal(entry.balance_after),
            entry.kind,
        ]


def _json_lines(entries: Iterator[EntryView]) -> Iterator[str]:
    """One JSON document, an entry a line. `total` is the sum of those in the file, up to `last_seq`."""
    total = last_seq = 0
    yield f'{{"customer": {dumps(current_user.public_id)}, "exported_at": {dumps(to_rfc3339(now()))}, "entries": [\n'
    for number, entry in enumerate(entries):
        last_seq = max(last_seq, entry.seq)
        total += entry.amount
        yield f"{',' if number else ''}{dumps(_written(entry))}\n"
    yield f'], "last_seq": {last_seq}, "total": {dumps(credits_to_json(total))}}}\n'


def _written(entry: EntryView) -> dict[str, Any]:
    return {
        "id": entry.id,
        "seq": entry.seq,
        "created_at": to_rfc3339(entry.at),
        "kind": entry.kind,
        "reason": entry.reason,
        "amount": credits_to_json(entry.amount),
        "balance_after": credits_to_json(entry.balance_after),
        "action": entry.action,
        "description": entry.description,
        "reference": entry.reference,
        "reverses": entry.reverses,
        "grants": [{"grant": grant, "amount": credits_to_json(amount)} for grant, amount in entry.grants],
    }
