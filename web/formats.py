"""How numbers, money and times look on a page, in the reader's locale; registered as template filters."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fractions import Fraction

from babel.dates import format_date, format_datetime
from flask import Flask
from flask_babel import ngettext
from markupsafe import Markup

from billing.catalog import Text
from billing.clock import to_rfc3339
from billing.money import MICRO, format_credits, format_money, format_nano_usd, format_unit_price
from web.locale import page_locale


def register(app: Flask) -> None:
    """Make the functions of this module filters of every template."""
    figures = (credits, signed_credits, in_credits, credits_noun, whole, money, unit_price, usd)
    for each in (*figures, words, day, date_words, moment, breakable, initials, hue):
        app.add_template_filter(each)


def credits(micro: int) -> str:
    """Micro-credits as credits, exactly: `1,234` or `0.003`; below zero with a real minus."""
    written = format_credits(abs(micro), page_locale())
    return f"−{written}" if micro < 0 else written


def signed_credits(micro: int) -> str:
    """A movement of micro-credits with its sign: `+500`, `−25`."""
    return f"+{credits(micro)}" if micro > 0 else credits(micro)


def in_credits(micro: int) -> str:
    """Micro-credits with their noun: `1 credit`, `25 credits`, `0.5 credits`."""
    return ngettext("%(amount)s credit", "%(amount)s credits", _grammatical_number(micro), amount=credits(micro))


def credits_noun(micro: int) -> str:
    """The noun alone, where the figure stands beside it in a size of its own: `credit` after a 1."""
    return ngettext("credit", "credits", _grammatical_number(micro))


def _grammatical_number(micro: int) -> int:
    # A translated plural needs a whole number; a fraction of a credit reads like many.
    return micro // MICRO if micro % MICRO == 0 else 2


def whole(number: int) -> str:
    """A count for people: `12,500`."""
    return credits(number * MICRO)


def money(amount_minor: int, currency: str) -> str:
    """Minor units with their currency: `$15.00`, `15,00 US$`."""
    return format_money(amount_minor, currency, page_locale())


def unit_price(amount_minor: Fraction, currency: str) -> str:
    """What one credit costs, from exact minor units: `$0.0499`."""
    return format_unit_price(amount_minor, currency, page_locale())


def usd(nano_usd: int) -> str:
    """Billionths of a US dollar as dollars: `$0.0015`."""
    return format_nano_usd(nano_usd, page_locale())


def words(text: Text) -> str:
    """A catalog's words in the page's language."""
    return text.get(page_locale())


def breakable(name: str) -> Markup:
    """A name of the code that may be broken where its parts meet: `payment_intent.succeeded`, `/holds/{hold}`."""
    return Markup("<wbr>").join(re.split(r"(?<=[._/])", name))


def initials(name: str) -> str:
    """The first letters of the first two words of a name: `Luna Style` is `LS`."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def hue(of: str) -> int:
    """Which of the six colours without a meaning stands for this id, always the same one."""
    return sum(of.encode()) % 6


def day(at: datetime) -> Markup:
    """A date inside `<time>`. The server knows no reader's zone, so days are UTC's."""
    return _time(at, _day_pattern())


def _day_pattern() -> str:
    return "d MMM y" if page_locale().startswith("es") else "MMM d, y"


def date_words(day: date) -> str:
    """A calendar day in words: `Nov 24, 2026`."""
    return format_date(day, _day_pattern(), locale=page_locale())


def moment(at: datetime) -> Markup:
    """A date with its time of day inside `<time>`, in UTC."""
    return _time(at, "d MMM y, HH:mm" if page_locale().startswith("es") else "MMM d, y, HH:mm")


def _time(at: datetime, pattern: str) -> Markup:
    at = at.astimezone(UTC)
    written = format_datetime(at, pattern, locale=page_locale())
    return Markup('<time datetime="{}">{}</time>').format(to_rfc3339(at), written)
