"""`/usage`: what a customer's credits were used for, day by day."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from billing import accounts, usage
from web import jobs, usage_page
from web.session import account_id

bp = Blueprint("usage", __name__)

JOBS_ON_A_PAGE = 15


@bp.get("/usage")
@login_required
def show() -> ResponseReturnValue:
    """Bars, the table that says the same in figures, and the jobs one by one."""
    accounts.ensure_up_to_date(account_id())
    shown, status = usage_page.read_page(account_id(), "usage.show")
    if shown["chart"] is not None:
        from_, to = shown["form"].limits
        cursor = request.args.get("cursor") or None
        page = usage.list_events(account_id(), from_=from_, to=to, limit=JOBS_ON_A_PAGE, cursor=cursor)
        older = url_for("usage.show", **shown["asked"], cursor=page.next_cursor, _anchor="jobs")
        shown |= {"page": page, "older": older if page.next_cursor else None, "jobs": jobs}
    return render_template("web/usage.html", **shown), status


@bp.get("/usage/export")
@login_required
def export() -> ResponseReturnValue:
    """Every single use of the days asked for; days that make no sense lead back to the page."""
    return usage_page.download(account_id()) or show()
