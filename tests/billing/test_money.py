"""Credits are exact to the millionth, money to its minor unit, and both read well in English and Spanish."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidAmount
from billing.money import (
    MAX_BALANCE,
    MAX_MOVE,
    MICRO,
    credits_to_decimal,
    credits_to_json,
    currency_exponent,
    dumps,
    format_credits,
    format_credits_plain,
    format_money,
    format_unit_price,
    is_currency,
    parse_credits,
    parse_money,
    round_half_up,
)

NBSP = "\u00a0"
moves = st.integers(1, MAX_MOVE)
balances = st.integers(-MAX_BALANCE, MAX_BALANCE)


@pytest.mark.parametrize(
    ("value", "micro"),
    [
        ("25", 25_000_000),
        ("0.003", 3_000),
        ("0.000001", 1),
        ("5.00000000000", 5_000_000),
        (5, 5_000_000),
        (10**9, MAX_MOVE),
        (Decimal("5.0"), 5_000_000),
        (Decimal("0.000001"), 1),
        (Decimal("1E+9"), MAX_MOVE),
        (Decimal("12345678.123456"), 12_345_678_123_456),
    ],
)
def test_parse_credits_exact(value: str | int | Decimal, micro: int) -> None:
    assert parse_credits(value) == micro


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 5",
        "five",
        "5,5",
        "1e3",
        "\u0665",
        "NaN",
        "0",
        "-1",
        "0.0000001",
        "1000000000.000001",
        "9" * 5000,
        0,
        -1,
        10**400,
        True,
        Decimal("0"),
        Decimal("-0.5"),
        Decimal("0.0000001"),
        Decimal("1E+400"),
        Decimal("1E+999999"),
        Decimal("1E-999999"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
    ],
)
def test_parse_credits_refused(value: str | int | Decimal) -> None:
    with pytest.raises(InvalidAmount, match=r"above 0 up to 1000000000 with at most 6 decimal places"):
        parse_credits(value)


def test_parse_credits_with_other_limits() -> None:
    assert parse_credits("0", minimum=0) == 0
    assert parse_credits(10**12, maximum=MAX_BALANCE) == MAX_BALANCE
    assert parse_credits("-2.5", minimum=-MAX_MOVE) == -2_500_000
    with pytest.raises(InvalidAmount, match="from 0 up to 10 "):
        parse_credits("10.000001", minimum=0, maximum=10 * MICRO)


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (25_000_000, "25"),
        (3_000, "0.003"),
        (1, "0.000001"),
        (0, "0"),
        (-1_500_000, "-1.5"),
        (-1, "-0.000001"),
    ],
)
def test_format_credits_plain_without_zeros_or_exponent(micro: int, text: str) -> None:
    assert format_credits_plain(micro) == text
    assert str(credits_to_decimal(micro)).replace("1E-6", "0.000001") == text
    assert dumps(credits_to_json(micro)) == text


@given(moves)
def test_parse_credits_round_trips(micro: int) -> None:
    assert parse_credits(format_credits_plain(micro)) == micro
    assert parse_credits(credits_to_decimal(micro)) == micro
    assert parse_credits(credits_to_json(micro)) == micro


@given(balances)
def test_dumps_credits_round_trip_through_json(micro: int) -> None:
    text = dumps({"balance": credits_to_json(micro)})
    assert "e" not in text.split(":")[1].lower()
    assert json.loads(text, parse_float=Decimal)["balance"] * MICRO == micro


def test_dumps_beyond_what_a_float_could_hold() -> None:
    assert dumps([credits_to_json(999_999_999_999_999_999)]) == "[999999999999.999999]"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_dumps_everything_else_as_the_standard_encoder(value: object) -> None:
    assert dumps(value) == json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan"), float("inf")])
def test_dumps_refuses_what_json_has_not(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dumps({"amount": value})


@pytest.mark.parametrize("value", [object(), {"at": {3}}, {(1, 2): 3}])
def test_dumps_refuses_other_things(value: object) -> None:
    with pytest.raises(TypeError):
        dumps(value)


def test_dumps_does_not_write_out_enormous_numbers() -> None:
    assert dumps(Decimal("1E+999999")) == "1E+999999"


@pytest.mark.parametrize(("locale", "text"), [("en", "1,234,567.5"), ("es", "1.234.567,5"), ("es_MX", "1,234,567.5")])
def test_format_credits_in_three_locales(locale: str, text: str) -> None:
    assert format_credits(1_234_567_500_000, locale) == text


@pytest.mark.parametrize(("locale", "text"), [("en", "1,234.5"), ("es", "1.234,5"), ("es_MX", "1,234.5")])
def test_format_credits_groups_four_digits_too(locale: str, text: str) -> None:
    assert format_credits(1_234_500_000, locale) == text


def test_format_credits_shows_every_place() -> None:
    assert format_credits(1, "en") == "0.000001"
    assert format_credits(MAX_BALANCE - 1, "en") == "999,999,999,999.999999"
    assert format_credits(-60_000_000, "es") == "-60"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "locale", "text"),
    [
        (1500, "usd", "en", "$15.00"),
        (1500, "usd", "es", f"15,00{NBSP}US$"),
        (1500, "usd", "es_MX", f"USD{NBSP}15.00"),
        (123456, "mxn", "es_MX", "$1,234.56"),
        (999, "eur", "es", f"9,99{NBSP}€"),
        (-500, "usd", "en", "-$5.00"),
        (1000, "jpy", "en", "¥1,000"),
        (1000, "jpy", "es", f"1.000{NBSP}JPY"),
        (1230, "kwd", "en", f"KWD{NBSP}1.230"),
        (150000, "isk", "en", f"ISK{NBSP}1,500"),
        (1550, "all", "en", f"ALL{NBSP}15.50"),
        (0, "usd", "en", "$0.00"),
    ],
)
def test_format_money(amount_minor: int, currency: str, locale: str, text: str) -> None:
    assert format_money(amount_minor, currency, locale) == text


def test_format_unit_price_to_two_places_more() -> None:
    assert format_unit_price(Fraction(499, 100), "usd", "en") == "$0.0499"
    assert format_unit_price(Fraction(5), "usd", "en") == "$0.05"
    assert format_unit_price(Fraction(22, 3), "usd", "es") == f"0,0733{NBSP}US$"
    assert format_unit_price(Fraction(3, 2), "jpy", "en") == "¥1.5"
    assert format_unit_price(Fraction(2), "jpy", "en") == "¥2"


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ("15.00", "usd", 1500),
        (15, "usd", 1500),
        ("9.99", "eur", 999),
        (Decimal("9.9"), "usd", 990),
        ("1000", "jpy", 1000),
        ("1.25", "kwd", 1250),
        ("1500", "isk", 150000),
    ],
)
def test_parse_money_into_minor_units(value: str | int, currency: str, minor: int) -> None:
    assert parse_money(value, currency) == minor


@pytest.mark.parametrize(
    ("value", "currency", "allowed"),
    [
        ("15.001", "usd", "USD above 0 with at most 2 decimal places"),
        ("0", "usd", "USD above 0"),
        (-1, "usd", "USD above 0"),
        (True, "usd", "USD above 0"),
        ("10.5", "jpy", "JPY above 0 with no decimal places"),
        ("1.255", "kwd", "KWD above 0 with at most 2 decimal places"),
        ("1500.50", "isk", "ISK above 0 with no decimal places"),
        (10**12, "usd", "USD above 0"),
    ],
)
def test_parse_money_refused(value: str | int, currency: str, allowed: str) -> None:
    with pytest.raises(InvalidAmount, match=allowed):
        parse_money(value, currency)


@given(st.integers(1, 10**12 - 1), st.sampled_from(["usd", "jpy", "clp"]))
def test_parse_money_round_trips(minor: int, currency: str) -> None:
    assert parse_money(Decimal(minor).scaleb(-currency_exponent(currency)), currency) == minor


def test_is_currency_knows_money_only() -> None:
    assert is_currency("usd")
    assert is_currency("xof")
    for code in ("xxx", "xau", "xts", "USD", "zzz", ""):
        assert not is_currency(code)


def test_round_half_up_at_the_half() -> None:
    assert round_half_up(Fraction(1, 2)) == 1
    assert round_half_up(Fraction(-1, 2)) == 0
    assert round_half_up(Fraction(499_999, 1_000_000)) == 0
    assert round_half_up(Fraction(1_500_000), MICRO) == 2 * MICRO
    assert round_half_up(Fraction(1_499_999), MICRO) == MICRO


@given(st.fractions(), st.integers(1, 10**9))
def test_round_half_up_is_never_further_than_half_a_unit(value: Fraction, unit: int) -> None:
    rounded = round_half_up(value, unit)
    assert rounded % unit == 0
    assert Fraction(-unit, 2) < rounded - value <= Fraction(unit, 2)
