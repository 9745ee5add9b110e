"""`/history/export`: what the history page shows, as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal

import pytest
from flask import Flask

from billing import adjustments
from billing.ledger import history
from billing.money import MICRO
from tests.web.conftest import Visitor, text_of


def give(visitor: Visitor, micro: int, description: str = "For your patience") -> None:
    adjustments.grant_credits(visitor.account_id, micro, description, "staff:test")


def table_of(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter))


def test_export_lists_what_the_page_lists(ana: Visitor) -> None:
    give(ana, 1_500_000)
    answer = ana.see("/history/export")
    assert answer.mimetype == "text/csv"
    assert re.fullmatch(
        r'attachment; filename="saldo-history-\d{4}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"]
    )
    heads, newest, oldest = table_of(answer.text)
    assert heads[2:7] == ["What", "Details", "Reference", "Credits", "Balance after"]
    assert newest[2:] == ["Given by our team", "For your patience", "", "1.5", "61.5", "CREDIT"]
    assert oldest[2:] == ["Welcome credits", "", "", "60", "60", "CREDIT"]


def test_export_in_spanish_has_a_decimal_comma_and_mexican_a_point(ana: Visitor) -> None:
    give(ana, 1_500_000)
    ana.client.set_cookie("locale", "es")
    heads, newest, _ = table_of(ana.see("/history/export?format=csv").text, ";")
    assert heads[5] == "Créditos"
    assert newest[5:7] == ["1,5", "61,5"]
    ana.client.set_cookie("locale", "es_MX")
    assert table_of(ana.see("/history/export").text)[1][5:7] == ["1.5", "61.5"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_export_runs_nothing_in_a_spreadsheet_f141(ana: Visitor, text: str) -> None:
    give(ana, MICRO, text)
    [_, newest, _] = table_of(ana.see("/history/export").text)
    assert newest[3].startswith("'")
    assert newest[5] == "1", "a number stays a number"


def test_export_keeps_to_the_filters(ana: Visitor) -> None:
    give(ana, MICRO)
    assert len(table_of(ana.see("/history/export?kind=DEBIT").text)) == 1
    assert len(table_of(ana.see("/history/export?kind=CREDIT").text)) == 3
    assert "/history/export?format=csv&amp;kind=CREDIT" in ana.see("/history?kind=CREDIT").text
    refused = ana.see("/history/export?from=nonsense")
    assert refused.status_code == 422
    assert "There is a problem" in text_of(refused)


def test_export_as_json_adds_up_to_its_last_entry_f061(
    app: Flask, ana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        give(ana, 1_000_001)
    # Others write between any two pages that are read.
    monkeypatch.setattr(history, "MAX_PAGE", 2)
    read = history.list_entries

    def read_while_others_write(*arguments: object, **named: object) -> history.Page:
        page = read(*arguments, **named)  # type: ignore[arg-type]
        give(ana, MICRO)
        return page

    monkeypatch.setattr(history, "list_entries", read_while_others_write)
    answer = ana.see("/history/export?format=json")
    told = json.loads(answer.text, parse_float=Decimal)
    entries = told["entries"]
    assert [each["seq"] for each in entries] == list(range(told["last_seq"], 0, -1))
    assert told["total"] == sum(each["amount"] for each in entries) == Decimal("65.000005")
    assert told["total"] == entries[0]["balance_after"]
    assert answer.mimetype == "application/json"


def test_export_is_for_whom_it_belongs_to(visitor: Visitor) -> None:
    assert visitor.see("/history/export").location.startswith("/login?next=/history/export")
