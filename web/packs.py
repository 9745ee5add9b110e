"""`/packs`: credits bought once, with what one credit costs and how long they last, before paying."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from flask_login import login_required
from flask_wtf import FlaskForm
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from billing import catalog, checkout
from billing.catalog import Pack
from billing.errors import InvalidAmount
from billing.money import format_credits_plain, parse_credits
from billing.pricing import price_per_credit
from web.header import read_header
from web.redirects import local_path
from web.session import account_id

bp = Blueprint("packs", __name__)

MAX_QUANTITY = 99
_QUANTITY_PROBLEM = lazy_gettext("Enter how many packs: a whole number from 1 to 99")


@dataclass(frozen=True)
class PackOffer:
    """A pack with what one of its credits costs, bonus counted in; None for a pack without credits."""

    pack: Pack
    form: QuantityForm
    unit_price: Fraction | None

    @property
    def credits(self) -> int:
        """The micro-credits that one brings, bonus counted in."""
        return self.pack.credits + self.pack.bonus


@dataclass(frozen=True)
class Shortage:
    """What a customer came for who was refused for lack of credits; micro-credits. `remedy` is the pack that helps."""

    needed: int
    available: int
    remedy: str | None

    @property
    def missing(self) -> int:
        """0 when there is enough by now."""
        return max(0, self.needed - self.available)


class QuantityForm(FlaskForm):
    """How many of one pack."""

    quantity = IntegerField(
        lazy_gettext("How many"),
        [InputRequired(_QUANTITY_PROBLEM), NumberRange(1, MAX_QUANTITY, _QUANTITY_PROBLEM)],
        default=1,
    )

    def __init__(self, pack_id: str, **arguments: object) -> None:
        super().__init__(**arguments)
        self.pack_id = pack_id
        # One page shows the form once for each pack, and ids are unique on a page.
        self.quantity.id = self.quantity.label.field_id = f"quantity-{pack_id}"


@bp.get("/packs")
def show() -> ResponseReturnValue:
    """Every pack. `needed`: what an app wanted to charge and could not, so that the page says what is missing."""
    return _page(None)


@bp.post("/packs/<pack>/checkout")
@login_required
def buy(pack: str) -> ResponseReturnValue:
    """Start a Checkout Session and go to Stripe's page, or say what is wrong with the quantity."""
    catalog.current().pack(pack)
    form = QuantityForm(pack)
    if not form.validate_on_submit():
        form.quantity.errors = [str(_QUANTITY_PROBLEM)]
        return _page(form), 422
    return_path = local_path(request.form.get("return_path"), "") or None
    started = checkout.start_pack_checkout(account_id(), pack, form.quantity.data, return_path)
    return redirect(started.url, 303)


def _page(wrong: QuantityForm | None) -> str:
    known = catalog.current()
    offers = [
        PackOffer(
            pack=pack,
            form=wrong if wrong and wrong.pack_id == pack.id else QuantityForm(pack.id, formdata=None),
            unit_price=price_per_credit(pack),
        )
        for pack in known.packs.values()
    ]
    shortage = _shortage(offers)
    return render_template(
        "web/packs.html",
        catalog=known,
        offers=offers,
        shortage=shortage,
        needed=format_credits_plain(shortage.needed) if shortage else None,
        wrong=wrong,
        return_path=local_path(request.values.get("return_path"), ""),
    )


def _shortage(offers: list[PackOffer]) -> Shortage | None:
    """Read from `needed`, a number of credits; None where it is missing or none, and for an unlimited plan."""
    header = read_header()
    try:
        needed = parse_credits(request.values.get("needed", ""))
    except InvalidAmount:
        return None
    if header is not None and header.unlimited:
        return None
    available = header.available if header else 0
    helping = [offer for offer in offers if offer.credits >= needed - available]
    cheapest = min(helping, key=lambda offer: offer.pack.price, default=None)
    return Shortage(needed, available, cheapest.pack.id if cheapest and needed > available else None)
