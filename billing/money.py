"""How credits and money are counted, read and written. Nothing here converts one into the other (R1).

Credits are integer micro-credits (1 credit = 1 000 000), money is integer minor units plus a currency. No
float stands anywhere in between: what comes in is text, int or Decimal, what goes out is exact.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.numbers import format_currency, format_decimal, get_currency_symbol, list_currencies

from billing.errors import InvalidAmount

MICRO = 1_000_000
"""Micro-credits in one credit: six decimal places."""

MAX_MOVE = 10**9 * MICRO
"""The most that one call may move (R1)."""

MAX_BALANCE = 10**12 * MICRO
"""The most that an account may hold (R1)."""

MAX_AMOUNT_MINOR = 10**12 - 1
"""The largest amount of money in one price: Stripe takes no more than twelve digits in any currency."""

# Stripe's list, not the Unicode one that Babel knows: Stripe counts ISK, UGX and ALL in hundredths.
_ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
_THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# Stripe takes these only in whole units although it counts in hundredths.
_WHOLE_UNITS_ONLY = frozenset(("isk", "ugx"))
# Babel also lists metals, test codes and units of account; of the X codes only these are money somewhere.
_CURRENCIES = frozenset(
    code.lower()
    for code in list_currencies()
    if not code.startswith("X") or code in ("XAF", "XCD", "XCG", "XOF", "XPF")
)

_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)


def parse_credits(value: str | int | Decimal, *, minimum: int = 1, maximum: int = MAX_MOVE) -> int:
    """Micro-credits of an exact number of credits; by default what one call may move (R1): above 0 to 10^9.

    Text is plain digits with a point (`12`, `0.5`). `minimum` and `maximum` are micro-credits.
    Raises `InvalidAmount`, which says what is allowed, also for NaN, more than 6 places and booleans.
    """
    micro = parse_scaled(value, 6, maximum)
    if micro is None or not minimum <= micro <= maximum:
        low = "above 0" if minimum == 1 else f"from {format_credits_plain(minimum)}"
        raise InvalidAmount(
            f"expected a number of credits {low} up to {format_credits_plain(maximum)} with at most 6 decimal places"
        )
    return micro


def parse_money(value: str | int | Decimal, currency: str) -> int:
    """Minor units of an amount in major units (`"15.00"`, `15`) above 0, with the places Stripe takes.

    Raises `InvalidAmount`, which says what is allowed.
    """
    exponent = currency_exponent(currency)
    minor = parse_scaled(value, exponent, MAX_AMOUNT_MINOR)
    step = _smallest_step(currency)
    if minor is None or not 0 < minor <= MAX_AMOUNT_MINOR or minor % step:
        # Three-decimal currencies are charged in steps of ten, so one place less may be written.
        places = exponent - len(str(step)) + 1
        allowed = f"at most {places} decimal places" if places else "no decimal places"
        raise InvalidAmount(f"expected an amount of {currency.upper()} above 0 with {allowed}")
    return minor


def parse_scaled(value: str | int | Decimal, places: int, bound: int) -> int | None:
    """`value` times 10^places when that is a whole number and has no more digits than `bound`, else None.

    The one exact way from text, int or Decimal to an integer; the caller checks the limits. NaN, booleans and
    text that is not plain digits are None too.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not _PLAIN_NUMBER.fullmatch(value):
            return None
        value = Decimal(value)
    if isinstance(value, int):
        return value * int(10**places)
    if not value.is_finite():
        return None
    # By digits, not by arithmetic: a Decimal context rounds, and 1e999999999 must not be written out.
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    if not kept:
        return 0
    zeros = int(exponent) + places + len(text) - len(kept)
    if zeros < 0 or len(kept) + zeros > len(str(bound)):
        return None
    return int(f"{'-' if sign else ''}{kept}{'0' * zeros}")


def credits_to_decimal(micro: int) -> Decimal:
    """The exact number of credits, without trailing zeros or exponent: `25`, `0.003`."""
    return Decimal(format_credits_plain(micro))


def credits_to_json(micro: int) -> int | Decimal:
    """Credits as a number for JSON (R1): an int when whole, else a Decimal, which `dumps` writes exactly."""
    whole, rest = divmod(micro, MICRO)
    return credits_to_decimal(micro) if rest else whole


def format_credits_plain(micro: int) -> str:
    """Credits for machines and files: `25`, `0.003`, `-1.5`; no grouping, no exponent, no trailing zeros."""
    whole, rest = divmod(abs(micro), MICRO)
    places = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if micro < 0 else ''}{whole}{places}"


def format_credits(micro: int, locale: str) -> str:
    """Credits for people: `1,234.5` in `en` and `es_MX`, `1.234,5` in `es`; every place that is not zero."""
    return format_decimal(credits_to_decimal(micro), format="#,##0.######", locale=_locale(locale))


def nano_usd_to_decimal(nano_usd: int) -> Decimal:
    """US dollars from billionths of one, exactly and without trailing zeros: what models' makers ask."""
    whole, rest = divmod(abs(nano_usd), 10**9)
    places = f".{rest:09d}".rstrip("0") if rest else ""
    return Decimal(f"{'-' if nano_usd < 0 else ''}{whole}{places}")


def exact_to_decimal(value: Fraction) -> Decimal:
    """A number of the catalog, which has at most 12 places, exactly and without trailing zeros: `0.02`, `1.25`."""
    whole, rest = divmod(int(value * 10**12), 10**12)
    return Decimal(f"{whole}.{rest:012d}".rstrip("0").rstrip("."))


def format_nano_usd(nano_usd: int, locale: str) -> str:
    """The same for people, to the sixth place at most: `$0.0015`."""
    rounded = round_half_up(Fraction(nano_usd), 1000)
    return _format_currency(nano_usd_to_decimal(rounded), "usd", locale, 2, 6)


def currency_exponent(currency: str) -> int:
    """How many decimal places Stripe counts in a currency's minor unit: 2, 0 (JPY) or 3 (KWD)."""
    code = currency.lower()
    return 0 if code in _ZERO_DECIMAL else 3 if code in _THREE_DECIMAL else 2


def is_currency(code: str) -> bool:
    """Whether this is the lower-case ISO code of a currency; `xxx` and metals are none."""
    return code in _CURRENCIES


def is_chargeable(amount_minor: int, currency: str) -> bool:
    """Whether Stripe charges this many minor units: some currencies go in steps of ten or a hundred."""
    return amount_minor % _smallest_step(currency) == 0


def _smallest_step(currency: str) -> int:
    code = currency.lower()
    return 10 if code in _THREE_DECIMAL else 100 if code in _WHOLE_UNITS_ONLY else 1


def format_money(amount_minor: int, currency: str, locale: str) -> str:
    """Money for people: `$15.00` in `en`, `15,00 US$` in `es`, `USD 15.00` in `es_MX`; JPY without places."""
    exponent = currency_exponent(currency)
    places = 0 if currency.lower() in _WHOLE_UNITS_ONLY and amount_minor % 100 == 0 else exponent
    return _format_currency(Decimal(amount_minor).scaleb(-exponent), currency, locale, places, places)


def format_unit_price(amount_minor: Fraction, currency: str, locale: str) -> str:
    """A price per credit for people, with up to two places more than the currency has: `$0.0499`."""
    exponent = currency_exponent(currency)
    digits = exponent + 2
    rounded = round_half_up(amount_minor * 100)
    return _format_currency(Decimal(rounded).scaleb(-digits), currency, locale, exponent, digits)


def _format_currency(value: Decimal, currency: str, locale: str, at_least: int, at_most: int) -> str:
    code = currency.upper()
    known = _locale(locale)
    pattern = str(known.currency_formats["standard"].pattern)
    number = "#,##0" + ("." + "0" * at_least + "#" * (at_most - at_least) if at_most else "")
    pattern = pattern.replace("#,##0.00", number)
    # Babel sets a code such as USD against the digits; the Unicode rule is a space between letter and digit.
    if pattern.startswith("¤") and get_currency_symbol(code, known)[-1:].isalpha():
        pattern = pattern.replace("¤", "¤\u00a0")
    return format_currency(value, code, format=pattern, locale=known, currency_digits=False)


@lru_cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


def round_half_up(value: Fraction, unit: int = 1) -> int:
    """The multiple of `unit` nearest to an exact value; halves go up, towards more (R1, R9).

    `round_half_up(price)` is a price in whole micro-credits, `round_half_up(share, MICRO)` a share in whole
    credits.
    """
    return math.floor(Fraction(value) / unit + Fraction(1, 2)) * unit


def dumps(value: Any) -> str:
    """JSON in which a Decimal is written digit for digit: `0.003`, never a float's approximation (R1).

    The standard encoder can't do that: it knows floats only. So it writes each Decimal as a text that nobody can
    guess, and the quotes around that are taken off afterwards; everything else is done at the encoder's speed.
    Raises `ValueError` for NaN and infinities, `TypeError` for what JSON has not.
    """
    text = _encode(value)
    return _MARKED.sub(r"\1", text) if _MARK in text else text


def _mark_decimal(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"JSON has no {type(value).__name__}")
    if not value.is_finite():
        raise ValueError("JSON has no NaN and no infinity")
    # Only somebody's metadata has numbers so far from 1; writing them out could fill the memory.
    return _MARK + (format(value, "f") if -40 <= value.adjusted() <= 40 else str(value))


_MARK = secrets.token_hex(16)
_MARKED = re.compile(f'"{_MARK}([^"]*)"')
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_mark_decimal).encode
