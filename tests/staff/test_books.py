"""Every credit explained, and one account's books as a file that proves itself."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from billing import accounts, adjustments, books, checkout, payments, refunds
from billing.db import db, transaction
from billing.ledger.giving_back import give_back
from billing.ledger.grants import burn_down
from billing.money import MICRO
from tests.docs.markdown import blocks, read, section
from tests.staff.conftest import Desk, text_of
from tests.stripe_world import Shop


@pytest.fixture
def ada(shop: Shop) -> int:
    """60 given, a pack of 100, 120 spent of both, 10 of that given back, and half the pack's money too."""
    account_id = shop.customer()
    adjustments.grant_credits(account_id, 60 * MICRO, "=A gift", "operator")
    shop.sandbox.pay(checkout.start_pack_checkout(account_id, "small").id)
    db.session.rollback()
    with transaction(), accounts.open_account(account_id) as book:
        spent = burn_down(book, 120 * MICRO, "amount", scope=None, note=None, source=None)
    with transaction(), accounts.open_account(account_id) as book:
        give_back(book, book.entry(spent.seq), 10 * MICRO)
    (payment,) = payments.list_payments(account_id)
    refunds.request_refund(
        payment.id, amount_minor=250, credits="proportional", reason="duplicate", note=None, actor="app:shop"
    )
    shop.sandbox.flush()
    db.session.rollback()
    return account_id


def script() -> str:
    """The script that the docs give."""
    (found,) = blocks(section(read("docs/operations.md"), "Proving one account's books"), "python")
    assert len(found.strip().splitlines()) <= 12
    return found


def verify(folder: Path, document: str) -> subprocess.CompletedProcess[str]:
    file = folder / "books.json"
    file.write_text(document, encoding="utf-8")
    return subprocess.run([sys.executable, "-c", script(), str(file)], capture_output=True, text=True, check=False)


def test_file_is_verified_by_the_script_of_the_docs(desk: Desk, ada: int, tmp_path: Path) -> None:
    answer = desk.see("/staff/customers/ada/books")
    assert answer.mimetype == "application/json"
    told = answer.json
    assert told["customer"] == "ada"
    assert [entry["amount_micro"] // MICRO for entry in told["entries"]] == [60, 100, -120, 10, -51]
    assert told["balance_micro"] == accounts.read_balance(ada).balance
    done = verify(tmp_path, answer.text)
    assert (done.returncode, done.stdout.strip()) == (0, f"{told['last_seq']} entries, balance {told['balance_micro']}")


@pytest.mark.parametrize("field", ["amount_micro", "balance_after_micro", "reason", "at", "source", "reverses", "seq"])
def test_script_sees_every_change(shop: Shop, ada: int, tmp_path: Path, field: str) -> None:
    told = json.loads("".join(books.export_json(ada)))
    entry = told["entries"][-1]
    entry[field] = entry[field] + 1 if isinstance(entry[field], int) else f"{entry[field]}x"
    assert verify(tmp_path, json.dumps(told)).returncode != 0
    del told["entries"][1]
    assert verify(tmp_path, json.dumps(told)).returncode != 0


def test_file_up_to_an_entry_is_the_beginning_of_the_whole(shop: Shop, ada: int) -> None:
    """I35: the books as they stood then are a prefix of those of today."""
    whole: Any = json.loads("".join(books.export_json(ada)))
    part: Any = json.loads("".join(books.export_json(ada, up_to=3)))
    assert part["entries"] == whole["entries"][:3]
    assert (part["last_seq"], part["balance_micro"]) == (3, 40 * MICRO)
    adjustments.grant_credits(ada, MICRO, "Later", "operator")
    assert json.loads("".join(books.export_json(ada, up_to=3))) == part


def test_table_has_every_entry_and_runs_nothing__F141(desk: Desk, ada: int) -> None:
    answer = desk.see("/staff/customers/ada/books?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert [int(row["amount_micro"]) for row in rows] == [each * MICRO for each in (60, 100, -120, 10, -51)]
    assert rows[0]["description"] == "'=A gift"
    assert len(rows[0]["hash"]) == 64


def test_debit_leads_to_its_grants_and_their_payment(desk: Desk, ada: int) -> None:
    page = text_of(desk.see(f"/staff/customers/ada/entries/en_{ada}_3"))
    assert "Where the credits were from" in page
    assert "no payment" in page
    assert "$4.99" in page
    assert "Undone by" in page


def test_grant_leads_to_what_ate_it(desk: Desk, ada: int) -> None:
    page = text_of(desk.see(f"/staff/customers/ada/entries/en_{ada}_2"))
    assert "What became of them" in page
    assert "Paid by" in page
    assert f"/entries/en_{ada}_3" in desk.see(f"/staff/customers/ada/entries/en_{ada}_2").text
    assert f"/entries/en_{ada}_2" in desk.see("/staff/customers/ada").text


@pytest.mark.parametrize(
    ("locale", "said"),
    [("en", "Kind Used or expired Reason Used Id"), ("es", "Clase Usado o caducado Motivo Usado Id.")],
)
def test_entry_tells_kind_and_reason_in_words_of_the_reader(desk: Desk, ada: int, locale: str, said: str) -> None:
    desk.client.set_cookie("locale", locale)
    page = text_of(desk.see(f"/staff/customers/ada/entries/en_{ada}_3"))
    assert f"{said} en_{ada}_3" in page
    assert "DEBIT" not in page


def test_entry_of_another_customer_is_not_found(desk: Desk, shop: Shop, ada: int) -> None:
    bob = shop.customer("bob")
    adjustments.grant_credits(bob, MICRO, "A gift", "operator")
    for entry_id in (f"en_{bob}_1", f"en_{ada}_99", "en_x_1", f"gr_{ada}_1", "%00", "en_1"):
        assert desk.see(f"/staff/customers/ada/entries/{entry_id}").status_code == 404


def test_books_are_for_staff_only(ada: int, visitor_at_staff: Desk, customer_browser: Desk) -> None:
    for path in ("/staff/customers/ada/books", f"/staff/customers/ada/entries/en_{ada}_1"):
        assert visitor_at_staff.see(path).status_code == 303
        assert customer_browser.see(path).status_code == 404
