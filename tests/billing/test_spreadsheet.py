"""CSV as spreadsheets read it: the reader's numbers, and no cell that runs."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from billing.spreadsheet import BYTE_ORDER_MARK, Cell, csv_lines


def written(*row: Cell, locale: str = "en") -> str:
    first, *lines = csv_lines([row], locale)
    assert first == BYTE_ORDER_MARK
    return "".join(lines)


def cells(line: str, delimiter: str = ",") -> list[str]:
    """The cells of one line, as a spreadsheet parts them."""
    [row] = csv.reader(io.StringIO(line, newline=""), delimiter=delimiter)
    return row


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", '=HYPERLINK("http://evil.test")', "-"],
)
def test_write_text_that_begins_like_a_formula_as_text_f141(text: str) -> None:
    assert cells(written(text)) == [f"'{text}"]


@pytest.mark.parametrize("text", ["Ana", "a=b", "1-2", "ñandú", "'quoted'"])
def test_write_other_text_as_it_is(text: str) -> None:
    assert cells(written(text)) == [text]


@pytest.mark.parametrize(
    ("locale", "line"),
    [("en", "-25,0.003,1234567.5\r\n"), ("es", "-25;0,003;1234567,5\r\n"), ("es_MX", "-25,0.003,1234567.5\r\n")],
)
def test_write_numbers_as_numbers_of_the_locale_f141(locale: str, line: str) -> None:
    assert written(-25, Decimal("0.003"), Decimal("1234567.5"), locale=locale) == line


def test_write_what_is_missing_as_nothing() -> None:
    assert written("a", None, "b") == "a,,b\r\n"


def test_write_separators_and_quotes_so_that_they_come_back() -> None:
    row = ['a;b,"c"', "two\nlines"]
    for locale, delimiter in (("en", ","), ("es", ";")):
        assert cells(written(*row, locale=locale), delimiter) == row
