"""`/staff/second-factor` sets one up; `/staff/login/code` asks for its code after the password."""

from __future__ import annotations

from flask import current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired

from billing import second_factor, staff_accounts
from billing.staff_accounts import StaffView
from web.staff import session
from web.staff.blueprint import bp
from web.staff.destinations import destination
from web.throttle import TooManyAttempts, count_attempt, forgive_attempts

CODE_SECONDS = 300
"""How long the password counts while the code is looked up."""
SETUP_SECONDS = 1800


class CodeForm(FlaskForm):
    """Six digits, and the signed word of what they are for."""

    code = StringField(lazy_gettext("Code"), [InputRequired(lazy_gettext("Enter the code"))])
    proof = HiddenField()
    next = HiddenField()


def ask_for_code(staff: StaffView) -> str:
    """The page after a right password of somebody who has a second factor; nobody is signed in yet."""
    form = CodeForm(None, proof=_signer("password").dumps([staff.id, staff.epoch]), next=request.values.get("next"))
    return render_template("staff/code.html", form=form)


@bp.post("/login/code")
def enter_code() -> ResponseReturnValue:
    """Sign in with the code; the same code does not do it twice."""
    form = CodeForm()
    try:
        staff_id, epoch = _signer("password").loads(form.proof.data or "", max_age=CODE_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return redirect(url_for("staff.sign_in", next=request.values.get("next")), 303)
    try:
        count_attempt("staff", f"second factor of {staff_id}")
    except TooManyAttempts as error:
        response = make_response(_code_page(form, _too_many(error.retry_after)), 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    staff = staff_accounts.signed_in(staff_id, epoch)
    if staff is None or not second_factor.is_code(staff_id, form.code.data or "", _secret_key()):
        return _code_page(form, gettext("This is not the code of now. Wait for the next one, and try that.")), 401
    forgive_attempts("staff", f"second factor of {staff_id}")
    response = redirect(destination(), 303)
    session.begin(response, staff)
    return response


@bp.route("/second-factor", methods=["GET", "POST"])
def set_up_second_factor() -> ResponseReturnValue:
    """Show a new secret; it counts once a code made of it has come back. Other sessions end then."""
    staff = session.signed_in()
    form = CodeForm()
    if request.method == "GET":
        form.proof.data = _signer("salt").dumps([staff.id, second_factor.new_salt()])
    try:
        staff_id, salt = _signer("salt").loads(form.proof.data or "", max_age=SETUP_SECONDS)
    except (BadSignature, ValueError, TypeError):
        staff_id, salt = None, ""
    if staff_id != staff.id:
        return redirect(url_for("staff.set_up_second_factor"), 303)
    status = 200
    if request.method == "POST":
        if form.validate() and second_factor.set_up(staff.id, salt, form.code.data, _secret_key()):
            flash(gettext("From now on you are asked for a code when you sign in."), "success")
            response = redirect(url_for("staff.search"), 303)
            session.begin(response, staff_accounts.get(staff.id))
            return response
        if not form.code.errors:
            form.code.errors = [gettext("This is not the code of now. Wait for the next one, and try that.")]
        status = 422
    secret = second_factor.secret_of(salt, _secret_key())
    address = second_factor.address_of(secret, staff.email)
    return render_template("staff/second_factor.html", form=form, secret=secret, address=address), status


def _code_page(form: CodeForm, problem: str) -> str:
    return render_template("staff/code.html", form=form, problem=problem)


def _too_many(retry_after: int) -> str:
    minutes = -(-retry_after // 60)
    return gettext("There were too many attempts. Try again in %(minutes)s min.", minutes=minutes)


def _secret_key() -> str:
    return str(current_app.config["SECRET_KEY"])


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_secret_key(), salt=f"staff second factor: {purpose}")
