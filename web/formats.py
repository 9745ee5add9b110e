"""How numbers, money and times look on a page, in the reader's locale; registered as template filters."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_precision
from flask import Flask
from markupsafe import Markup

from billing.clock import to_rfc3339
from web.locale import page_locale

_ISO_FOR_READERS = {"es_MX": {"USD": "US$"}}


def register(app: Flask) -> None:
    """Make the functions of this module filters of every template."""
    for each in (credits, signed_credits, money, day, moment):
        app.add_template_filter(each)


def credits(micro: int) -> str:
    """Micro-credits as credits, exactly: `1,234` or `0.003`, without trailing zeros."""
    return format_decimal(
        Decimal(micro).scaleb(-6), format="#,##0.######", locale=page_locale(), decimal_quantization=False
    )


def signed_credits(micro: int) -> str:
    """A movement of micro-credits with its sign, a real minus: `+500`, `−25`."""
    return ("+" if micro > 0 else "−" if micro < 0 else "") + credits(abs(micro))


def money(minor: int, currency: str) -> str:
    """Minor units with their currency: `$15.00`, `15,00 US$`."""
    code = currency.upper()
    locale = page_locale()
    amount = Decimal(minor).scaleb(-get_currency_precision(code))
    written = format_currency(amount, code, locale=locale)
    return written.replace(code, _ISO_FOR_READERS.get(locale, {}).get(code, code))


def day(at: datetime) -> Markup:
    """A date in words inside `<time>`; the server knows no zone of the reader's, so days are UTC's."""
    at = at.astimezone(UTC)
    return _time(at, format_date(at, "d MMM y" if page_locale().startswith("es") else "MMM d, y", page_locale()))


def moment(at: datetime) -> Markup:
    """A date with its time of day inside `<time>`, in UTC."""
    at = at.astimezone(UTC)
    return _time(at, format_datetime(at, "d MMM y, HH:mm" if page_locale().startswith("es") else "MMM d, y, HH:mm", locale=page_locale()))


def _time(at: datetime, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(to_rfc3339(at), text)
