"""How a table leaves Saldo as CSV: numbers as the reader's spreadsheet reads them, text that is never a formula.

A cell that begins like a formula would be run by the spreadsheet of whoever opens the file, with whatever the
writer of a name or a description put into it (F141). So it gets an apostrophe in front, as spreadsheets
themselves write "this is text". Numbers are told apart by their type and stay numbers, also below zero.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

Cell = str | int | Decimal | None

BYTE_ORDER_MARK = "\ufeff"
"""Stands first in the file: without it Excel takes UTF-8 for something else and breaks every accent."""

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def csv_lines(rows: Iterable[Sequence[Cell]], locale: str) -> Iterator[str]:
    """The rows as lines of CSV, one at a time, so that a long table is never held in memory.

    In `es` the decimal mark is a comma and cells are parted by semicolons, as spreadsheets there expect; in
    `en` and `es_MX` it is a point and commas.
    """
    decimal_comma = locale == "es"
    yield BYTE_ORDER_MARK
    for row in rows:
        line = io.StringIO()
        writer = csv.writer(line, delimiter=";" if decimal_comma else ",")
        writer.writerow([_written(cell, decimal_comma) for cell in row])
        yield line.getvalue()


def _written(cell: Cell, decimal_comma: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell
    number = format(cell, "f") if isinstance(cell, Decimal) else str(cell)
    return number.replace(".", ",") if decimal_comma else number
