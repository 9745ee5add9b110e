"""`/usage`: what a customer's credits were used for, day by day."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

from billing import accounts
from web import usage_page
from web.session import account_id

bp = Blueprint("usage", __name__)


@bp.get("/usage")
@login_required
def show() -> ResponseReturnValue:
    """Bars, and the table that says the same in figures."""
    accounts.ensure_up_to_date(account_id())
    shown, status = usage_page.read_page(account_id(), "usage.show")
    return render_template("web/usage.html", **shown), status


@bp.get("/usage/export")
@login_required
def export() -> ResponseReturnValue:
    """Every single use of the days asked for; days that make no sense lead back to the page."""
    return usage_page.download(account_id()) or show()
