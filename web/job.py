"""`/usage/jobs/<id>`: one job's record, from the price that was promised to what was given back."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from billing import accounts, payments, usage
from billing.usage import JobRecord
from web import jobs, words
from web.session import account_id

bp = Blueprint("job", __name__, url_prefix="/usage/jobs")


@bp.get("")
@login_required
def find() -> ResponseReturnValue:
    """To the record of `reference`, which is an app's own text and may have any letters; 404 without such a job."""
    return redirect(url_for("job.show", job_id=usage.find_job(account_id(), request.args.get("reference", ""))), 303)


@bp.get("/<job_id>")
@login_required
def show(job_id: str) -> ResponseReturnValue:
    """Everything that one job, and what else bears its reference, did to the customer's credits."""
    accounts.ensure_up_to_date(account_id())
    record = usage.trace_job(account_id(), job_id)
    return render_template(
        "web/job.html",
        record=record,
        jobs=jobs,
        words=words,
        receipts=_receipts(record),
    )


def _receipts(record: JobRecord) -> set[str]:
    """Those of the payments behind the record that Stripe has a receipt of."""
    paid = {part.payment_id for trace in record.traces for part in trace.paid_by if part.payment_id}
    return {each for each in paid if {"invoice", "payment_intent"} & payments.stripe_ids(payments.get(each)).keys()}
