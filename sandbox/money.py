"""Amounts: integers in the currency's minor unit."""

from __future__ import annotations

from fractions import Fraction

_WITHOUT_MINOR_UNIT = (
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
)  # fmt: skip
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def share(amount: int, numerator: int | Fraction, denominator: int | Fraction = 1) -> int:
    """``amount`` × a fraction, rounded half away from zero to a whole minor unit."""
    exact = Fraction(amount) * Fraction(numerator) / Fraction(denominator)
    size = (abs(exact) * 2 + 1) // 2
    return int(size if exact >= 0 else -size)


def shown(amount: int, currency: str) -> str:
    """An amount for people: ``$9.99``, ``¥1000``, ``12.00 CHF``."""
    text = f"{abs(amount)}" if currency in _WITHOUT_MINOR_UNIT else f"{abs(amount) // 100}.{abs(amount) % 100:02d}"
    symbol = _SYMBOLS.get(currency)
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency.upper()}"
