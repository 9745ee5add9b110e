"""Numbers as staff type them, in the way of the page's language: `1,234.50`, or `1.234,50` in Spain."""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import NumberFormatError, format_decimal, parse_decimal
from flask_babel import gettext

from billing.errors import InvalidAmount
from billing.money import MICRO, currency_exponent
from web.locale import page_locale

_PLAIN = re.compile(r"[0-9.,]{1,40}", re.ASCII)


def read_number(text: str) -> Decimal:
    """The number that was typed; raises `InvalidAmount` where it could be read in two ways, or in none."""
    typed = text.strip()
    try:
        if not _PLAIN.fullmatch(typed):
            raise NumberFormatError(typed)
        return parse_decimal(typed, locale=page_locale(), strict=True)
    except NumberFormatError:
        example = format_decimal(Decimal("1234.5"), locale=page_locale(), group_separator=True)
        raise InvalidAmount(gettext("Enter a number such as %(example)s", example=example)) from None


def write_credits(amount: int) -> str:
    """Micro-credits as somebody would type them, for a field to begin with: `12.5`."""
    return format_decimal(Decimal(amount) / MICRO, format="0.######", locale=page_locale())


def write_money(amount_minor: int, currency: str) -> str:
    """Minor units as somebody would type them, for a field to begin with: `15.00`."""
    places = currency_exponent(currency)
    pattern = "0." + "0" * places if places else "0"
    return format_decimal(Decimal(amount_minor).scaleb(-places), format=pattern, locale=page_locale())
