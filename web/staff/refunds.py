"""The way of a refund: a form, a preview that changes nothing, a confirmation that counts once, and its result.

Above one limit the confirmation has the amount typed again; above another the refund waits for a second person.
"""

from __future__ import annotations

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Regexp, ValidationError

from billing import audit_log, customers, limits, payments, refunds, staff_accounts
from billing.errors import Conflict, Disputed, Invalid, InvalidAmount, RefundExceeds, SaldoError, StripeRefused
from billing.models import Payment
from billing.money import MAX_AMOUNT_MINOR, parse_money
from billing.payments import PaymentView, RefundView, view_payment
from billing.refunds import RefundPreview
from web.staff import words
from web.staff.amounts import read_number, write_money
from web.staff.blueprint import bp
from web.staff.session import signed_in
from web.staff.tokens import FORM_TOKEN, new_form_token

MAX_NOTE_CHARACTERS = 1000

CONFLICTS = (RefundExceeds, Disputed, Conflict, StripeRefused)
"""What may have become true between preview and confirmation, or what Stripe knows better."""


class RefundForm(FlaskForm):
    """How much money, what becomes of its credits, and why."""

    amount = StringField(lazy_gettext("Amount"), [InputRequired(lazy_gettext("Enter an amount"))])
    credits = RadioField(
        lazy_gettext("Credits to take back"),
        choices=[SelectChoice(*each) for each in words.CREDIT_MODES.items()],
        default="proportional",
    )
    reason = SelectField(
        lazy_gettext("Reason"),
        [InputRequired(lazy_gettext("Choose a reason"))],
        choices=[SelectChoice(*each) for each in (("", lazy_gettext("Choose…")), *words.REFUND_REASONS.items())],
    )
    note = TextAreaField(
        lazy_gettext("Note"),
        [Length(max=MAX_NOTE_CHARACTERS, message=lazy_gettext("The note is longer than 1000 characters"))],
    )

    def validate_note(self, field: TextAreaField) -> None:
        """`other` is no reason without words."""
        if self.reason.data == "other" and not (field.data or "").strip():
            raise ValidationError(gettext("Say in the note why"))


class ConfirmationForm(FlaskForm):
    """What the preview showed, sent back: amounts in minor units, and the token that makes it count once."""

    amount_minor = IntegerField(validators=[NumberRange(1, MAX_AMOUNT_MINOR)])
    currency = HiddenField()
    credits = HiddenField(validators=[AnyOf(list(words.CREDIT_MODES))])
    reason = HiddenField(validators=[AnyOf(list(words.REFUND_REASONS))])
    note = HiddenField(validators=[Length(max=MAX_NOTE_CHARACTERS)])
    form_token = HiddenField(validators=[Regexp(FORM_TOKEN)])
    typed = StringField(lazy_gettext("Type the amount once more"))

    def is_typed(self, currency: str) -> bool:
        """Whether the amount, where it is a large one, stands in `typed` too."""
        if self.amount_minor.data <= limits.refund_limits().typed_above:
            return True
        try:
            return parse_money(read_number(self.typed.data or ""), currency) == self.amount_minor.data
        except InvalidAmount:
            return False


@bp.get("/payments/<payment_id>/refund")
def ask_refund(payment_id: str) -> ResponseReturnValue:
    """The form, filled in for giving everything back; it also is the way back from the preview."""
    payment = _refundable(payment_id)
    view = view_payment(payment)
    shown = RefundForm(request.args if request.args else None, amount=write_money(view.refundable_minor, view.currency))
    return _form_page(payment, view, shown)


@bp.post("/payments/<payment_id>/refund")
def preview_refund(payment_id: str) -> ResponseReturnValue:
    """What it would do, to money and to credits; nothing has changed yet."""
    payment = _refundable(payment_id)
    view = view_payment(payment)
    form = RefundForm()
    if not form.validate_on_submit():
        return _form_page(payment, view, form), 422
    try:
        amount_minor = parse_money(read_number(form.amount.data), view.currency)
        preview = refunds.preview_refund(payment_id, amount_minor=amount_minor, credits=form.credits.data)
    except InvalidAmount as error:
        form.amount.errors = [str(error)]
        return _form_page(payment, view, form), 422
    except RefundExceeds:
        form.amount.errors = [gettext("This is more than is left to give back")]
        return _form_page(payment, view, form), 422
    except Disputed:
        return _form_page(payment, view, form), 409
    confirmation = ConfirmationForm(
        None,
        amount_minor=preview.amount_minor,
        currency=preview.currency,
        credits=form.credits.data,
        reason=form.reason.data,
        note=form.note.data,
        form_token=new_form_token(),
    )
    return _preview_page(payment, preview, confirmation)


@bp.post("/payments/<payment_id>/refund/confirm")
def confirm_refund(payment_id: str) -> ResponseReturnValue:
    """Give the money back. The same form again leads to the refund that it made."""
    staff = signed_in()
    payment = _refundable(payment_id)
    account_id, currency = payment.account_id, payment.currency
    form = ConfirmationForm()
    if not form.validate_on_submit() or form.currency.data != currency:
        abort(422)
    if not form.is_typed(currency):
        form.typed.errors = [gettext("This is not the amount above")]
        return _preview_again(payment, form)
    asked = {
        "amount_minor": form.amount_minor.data,
        "currency": currency,
        "credits": form.credits.data,
        "reason": form.reason.data,
    }
    try:
        refund = refunds.request_refund(
            payment_id,
            amount_minor=form.amount_minor.data,
            credits=form.credits.data,
            reason=form.reason.data,
            note=(form.note.data or "").strip() or None,
            actor=staff.actor,
            form_token=form.form_token.data,
        )
    except (*CONFLICTS, Invalid) as error:
        audit_log.record(
            "refund",
            actor=staff.actor,
            account_id=account_id,
            subject=payment_id,
            allowed=False,
            detail={**asked, "code": error.code},
        )
        return _conflict_page(payment_id, error)
    return redirect(url_for("staff.show_refund", refund_id=refund.id), 303)


@bp.get("/refunds/<refund_id>")
def show_refund(refund_id: str) -> ResponseReturnValue:
    """Where a refund stands: waiting for a second person, under way, done or failed."""
    return refund_page(refunds.read_refund(refund_id))


def refund_page(refund: RefundView, problem: str | None = None) -> str:
    """A refund; one that waits is shown with what it would do now, or why it cannot go any more."""
    payment = payments.get(refund.payment_id)
    preview = None
    if refund.status == "needs_approval":
        try:
            preview = refunds.preview_refund(
                refund.payment_id, amount_minor=refund.amount_minor, credits=refund.credits_mode
            )
        except (RefundExceeds, Disputed) as error:
            problem = problem or conflict_text(error)
        payment = payments.get(refund.payment_id)
    return render_template(
        "staff/refund.html",
        refund=refund,
        preview=preview,
        problem=problem,
        payment=view_payment(payment),
        customer=customers.get(payment.account_id),
    )


def _refundable(payment_id: str) -> Payment:
    """The payment; raises `NotFound`, and `NotPermitted` for whose role may not refund."""
    payment = payments.get(payment_id)
    staff_accounts.require(signed_in(), "refund", account_id=payment.account_id, subject=payment_id)
    return payment


def _form_page(payment: Payment, view: PaymentView, form: RefundForm) -> str:
    return render_template(
        "staff/refund_form.html",
        customer=customers.get(payment.account_id),
        payment=view,
        form=form,
    )


def _preview_page(payment: Payment, preview: RefundPreview, form: ConfirmationForm) -> str:
    asked = {name: form[name].data for name in ("credits", "reason", "note")}
    return render_template(
        "staff/refund_preview.html",
        customer=customers.get(payment.account_id),
        payment=view_payment(payment),
        preview=preview,
        form=form,
        asked={"amount": write_money(preview.amount_minor, preview.currency), **asked},
        has_to_type=preview.amount_minor > limits.refund_limits().typed_above,
        goes_alone=limits.is_refund_alone(signed_in().actor, preview.currency, preview.amount_minor),
    )


def _preview_again(payment: Payment, form: ConfirmationForm) -> ResponseReturnValue:
    """The preview as things stand now, for a confirmation that was not typed right."""
    try:
        preview = refunds.preview_refund(payment.id, amount_minor=form.amount_minor.data, credits=form.credits.data)
    except (RefundExceeds, Disputed) as error:
        return _conflict_page(payment.id, error)
    return _preview_page(payments.get(preview.payment_id), preview, form), 422


def conflict_text(error: SaldoError) -> str:
    """Why a refund cannot be made, in words for staff."""
    texts = {
        "refund_exceeds": gettext("Less is left to give back than the preview showed: somebody was quicker."),
        "disputed": gettext("The payment is disputed at the bank, so no money can be given back here."),
    }
    return texts.get(error.code, str(error))


def _conflict_page(payment_id: str, error: SaldoError) -> ResponseReturnValue:
    """Why nothing was given back, with the way to the form as things stand now."""
    payment = payments.get(payment_id)
    page = render_template(
        "staff/refund_refused.html",
        customer=customers.get(payment.account_id),
        payment=view_payment(payment),
        problem=conflict_text(error),
    )
    return page, 409
