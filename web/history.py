"""`/history`: every movement of a customer's credits, newest first."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_login import login_required
from wtforms import DateField, Form, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional, ValidationError

from billing import accounts, usage
from billing.ledger import history
from web import words
from web.session import account_id

bp = Blueprint("history", __name__)

PAGE_SIZE = 25


class FilterForm(Form):
    """Kind and days, both ends included; it changes nothing, so it needs no CSRF token."""

    kind = SelectField(lazy_gettext("Show"), choices=[], validate_choice=False)
    from_ = DateField(lazy_gettext("From"), [Optional()], name="from")
    to = DateField(lazy_gettext("To"), [Optional()])

    def validate_kind(self, field: SelectField) -> None:
        """Refuse what is no kind of entry."""
        if field.data and field.data not in words.KINDS:
            raise ValidationError(gettext("There is no such kind of entry"))

    def validate_to(self, field: DateField) -> None:
        """Refuse days that end before they begin."""
        if field.data and self.from_.data and field.data < self.from_.data:
            raise ValidationError(gettext("“To” is before “From”"))


@bp.get("/history")
@login_required
def show() -> ResponseReturnValue:
    """One page of entries, and the way to older ones."""
    form = FilterForm(request.args)
    if not form.validate():
        return refused(form)
    accounts.ensure_up_to_date(account_id())
    page = history.list_entries(
        account_id(), **filters_of(form), limit=PAGE_SIZE, cursor=request.args.get("cursor") or None
    )
    filters = {name: value for name, value in request.args.items() if name in ("kind", "from", "to") and value}
    older = url_for("history.show", **filters, cursor=page.next_cursor) if page.next_cursor else None
    jobs = usage.find_jobs_of(account_id(), page.entries)
    return _page(form, page=page, filters=filters, older=older, jobs=jobs)


def refused(form: FilterForm) -> ResponseReturnValue:
    """The page that says what is wrong with a filter."""
    for field in (form.from_, form.to):
        if field.process_errors:
            field.errors = [gettext("Enter a date such as 2026-03-31")]
            field.raw_data = None  # a browser's date field can only show a date
    return _page(form, page=None), 422


def filters_of(form: FilterForm) -> dict[str, Any]:
    """What a valid form asks `history.list_entries` for."""
    return {"kind": form.kind.data or None, "from_": _start(form.from_.data), "to": _end(form.to.data)}


def _page(form: FilterForm, **shown: object) -> str:
    form.kind.choices = [
        SelectChoice("", gettext("Everything")),
        *(SelectChoice(kind, str(name)) for kind, name in words.KINDS.items()),
    ]
    return render_template("web/history.html", form=form, words=words, **shown)


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _end(day: date | None) -> datetime | None:
    """The first moment after a day; the last day of the calendar has none, and needs none."""
    return datetime.combine(day + timedelta(days=1), time(), UTC) if day and day < date.max else None
