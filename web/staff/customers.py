"""`/staff/customers/<id>`: who it is, what they have, what they paid, and everything that happened."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from billing import accounts, customers, payments, quotas, subscriptions, timeline
from web.staff.blueprint import bp


@bp.get("/customers/<public_id>")
def show_customer(public_id: str) -> ResponseReturnValue:
    """One customer. `before` leads to older parts of the timeline."""
    customer = customers.find_customer(public_id)
    page = timeline.read_timeline(customer.account_id, request.args.get("before"))
    older = (
        url_for("staff.show_customer", public_id=public_id, before=page.older, _anchor="timeline")
        if page.older
        else None
    )
    return render_template(
        "staff/customer.html",
        customer=customer,
        plan=subscriptions.current_plan(customer.account_id),
        subscriptions=subscriptions.list_subscriptions(customer.account_id),
        balance=accounts.read_balance(customer.account_id),
        limits=quotas.list_quotas(customer.account_id),
        payments=payments.list_payments(customer.account_id),
        items=page.items,
        older=older,
    )
