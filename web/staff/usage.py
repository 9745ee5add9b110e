"""`/staff/usage`: what all customers used, day by day."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from web import usage_page
from web.staff.blueprint import bp


@bp.get("/usage")
def show_usage() -> ResponseReturnValue:
    """Bars, and the table that says the same in figures."""
    shown, status = usage_page.read_page(None, "staff.show_usage")
    return render_template("staff/usage.html", **shown), status


@bp.get("/usage/export")
def export_usage() -> ResponseReturnValue:
    """Every single use of the days asked for, with its customer."""
    return usage_page.download(None) or show_usage()
