"""`/staff/keys`: the keys of apps. A new one is shown once, in the answer to the form that made it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from billing import api_keys, clock, staff_accounts
from billing.api_keys import IssuedKey
from billing.errors import Invalid
from web.staff import words
from web.staff.blueprint import bp
from web.staff.session import signed_in


class KeyForm(FlaskForm):
    """Which app the key is for, and what it may do."""

    app = StringField(
        lazy_gettext("App"),
        [InputRequired(lazy_gettext("Name the app that will use the key")), Length(max=64)],
    )
    scopes = SelectMultipleField(
        lazy_gettext("What the key may do"),
        [InputRequired(lazy_gettext("Choose at least one"))],
        choices=[SelectChoice(*each) for each in words.SCOPES.items()],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


@bp.get("/keys")
def list_keys() -> ResponseReturnValue:
    """Every key that there is or was, and the form for a new one."""
    staff_accounts.require(signed_in(), "read_keys")
    return _page(KeyForm(None))


@bp.post("/keys")
def create_key() -> ResponseReturnValue:
    """Make a key and show it. Sending the form again makes another one: this one can't be shown twice."""
    staff = signed_in()
    staff_accounts.require(staff, "create_key")
    form = KeyForm()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        issued = api_keys.create_key(form.app.data, form.scopes.data, actor=staff.actor)
    except Invalid:
        form.app.errors = [gettext("Use only small letters, digits, dots, hyphens and underscores")]
        return _page(form), 422
    return _issued_page(issued)


@bp.post("/keys/rotate")
def rotate_key() -> ResponseReturnValue:
    """Make a new key for an app and let its old ones end a day later."""
    staff = signed_in()
    staff_accounts.require(staff, "create_key")
    return _issued_page(api_keys.rotate_key(request.form.get("app", ""), actor=staff.actor))


@bp.post("/keys/<key_id>/revoke")
def revoke_key(key_id: str) -> ResponseReturnValue:
    """End a key at once, on every worker."""
    staff = signed_in()
    staff_accounts.require(staff, "revoke_key", subject=key_id)
    key = api_keys.revoke_key(key_id, actor=staff.actor)
    flash(gettext("The key %(key)s of %(app)s no longer works.", key=key.id, app=key.app), "success")
    return redirect(url_for("staff.list_keys"), 303)


def _page(form: KeyForm) -> str:
    now = clock.wall_now()
    keys = api_keys.list_keys()
    return render_template(
        "staff/keys.html",
        form=form,
        keys=keys,
        working={key.id for key in keys if key.works_at(now)},
        apps=sorted({key.app for key in keys if key.works_at(now)}),
    )


def _issued_page(issued: IssuedKey) -> ResponseReturnValue:
    return render_template("staff/key.html", key=issued.key, secret=issued.secret), 201
