"""`/staff/audit`: who did what, and who was refused what."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from billing import audit_log, staff_accounts
from web.staff.blueprint import bp
from web.staff.session import signed_in

PAGE = 50


@bp.get("/audit")
def list_audit() -> ResponseReturnValue:
    """The newest records; `before` leads on to older ones."""
    staff_accounts.require(signed_in(), "read_audit_log")
    before = request.args.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    records = audit_log.list_records(before=number, limit=PAGE + 1)
    older = records[PAGE - 1].number if len(records) > PAGE else None
    return render_template("staff/audit.html", records=records[:PAGE], older=older, newest=number is None)
