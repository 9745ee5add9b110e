"""`/balance`: what a customer has, where it came from and until when it lasts."""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import login_required

from billing import accounts, clock, monthly_use, quotas
from web import words
from web.formats import credits, credits_noun
from web.header import read_header
from web.session import account_id

bp = Blueprint("balance", __name__)


@bp.get("/balance")
@login_required
def show() -> ResponseReturnValue:
    """Figures, limits, and grants in the order in which they are spent."""
    return render_template(
        "web/balance.html",
        balance=accounts.read_balance(account_id()),
        spent=monthly_use.spent_this_month(account_id(), clock.now()),
        limits=quotas.list_quotas(account_id()),
        words=words,
    )


@bp.get("/balance/now")
@login_required
def now() -> ResponseReturnValue:
    """What the header's script shows without loading the page again."""
    header = read_header()
    assert header is not None, "login_required lets no stranger in"
    return jsonify(
        available=gettext("Unlimited") if header.unlimited else credits(header.available),
        noun=credits_noun(header.available),
        held=credits(header.held),
        low=header.low,
        unlimited=header.unlimited,
    )
