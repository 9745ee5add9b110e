"""`/staff/customers/<id>/entries/<entry>` explains a credit; `/staff/customers/<id>/books` is all of them as a file."""

from __future__ import annotations

from flask import render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from billing import books, customers, explaining, payments
from billing.payments import PaymentView, view_payment
from web.downloads import attachment
from web.staff.blueprint import bp


@bp.get("/customers/<public_id>/entries/<entry_id>")
def explain_entry(public_id: str, entry_id: str) -> ResponseReturnValue:
    """What an entry ate and who paid for that, or what became of the credits it brought."""
    customer = customers.find_customer(public_id)
    explained = explaining.explain(customer.account_id, entry_id)
    of_parts = {part.payment_id for part in explained.parts}
    paid: dict[str, PaymentView] = {
        payment_id: view_payment(payments.get(payment_id))
        for payment_id in of_parts | {explained.grant.payment_id if explained.grant else None}
        if payment_id is not None
    }
    return render_template("staff/entry.html", customer=customer, explained=explained, payments=paid)


@bp.get("/customers/<public_id>/books")
def download_books(public_id: str) -> ResponseReturnValue:
    """Every entry with its hash; `format=json` (the default, which the script of the docs checks) or `csv`."""
    customer = customers.find_customer(public_id)
    if request.args.get("format") == "csv":
        return attachment(stream_with_context(books.export_csv(customer.account_id)), "books", "csv")
    return attachment(stream_with_context(books.export_json(customer.account_id)), "books", "json")
