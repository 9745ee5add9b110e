"""The audit log: who may read it, and that nothing in it is lost or leaked."""

from __future__ import annotations

from flask import Flask

from billing import audit_log
from tests.staff.conftest import Desk, text_of
from tests.stripe_world import Shop


def test_is_for_managers_and_admins_only(desk: Desk, admin: Desk) -> None:
    assert desk.see("/staff/audit").status_code == 403
    page = admin.see("/staff/audit")
    assert page.status_code == 200
    assert "sam@example.com" in page.text, "the refusal is a record, too"


def test_names_the_request(desk: Desk, admin: Desk, shop: Shop) -> None:
    shop.customer()
    fields = {"amount": "5", "description": "gift", "last_day": "", "form_token": "t" * 32}
    answer = desk.send("/staff/customers/ada/grant", **fields)
    assert answer.headers["X-Request-Id"] in text_of(admin.see("/staff/audit"))


def test_reads_on_page_by_page(admin: Desk) -> None:
    for number in range(60):
        audit_log.record(f"act {number}", actor="operator")
    first = text_of(admin.see("/staff/audit"))
    assert "act 59 " in first
    assert "act 3 " not in first
    last_shown = audit_log.list_records(limit=50)[-1].number
    assert "act 3 " in text_of(admin.see(f"/staff/audit?before={last_shown}"))
    for broken in ("x", "-1", "9" * 40, "%D9%A3"):
        assert "act 59 " in text_of(admin.see(f"/staff/audit?before={broken}"))


def test_keeps_a_detail_short(app: Flask) -> None:
    """Whatever is put into a record, it fits."""
    audit_log.record("act", actor="operator", detail={"why": "é" * 100_000})
    (record,) = audit_log.list_records()
    assert record.detail == {"why": "é" * audit_log.MAX_DETAIL_CHARACTERS}


def test_says_in_words_what_an_act_was_about(admin: Desk) -> None:
    asked = {"payment": "pay_1", "amount_minor": 1250, "currency": "usd", "credits": "unspent"}
    audit_log.record("refund", actor="app:studio", detail={**asked, "reason": "duplicate", "status": "needs_approval"})
    audit_log.record("grant", actor="stripe", detail={"credits": "1234.5", "code": "day_limit"})
    audit_log.record("key.create", actor="operator", detail={"app": "studio", "scopes": "credits:read refunds:write"})
    audit_log.record("refund.approve", actor="operator", detail={"asked_by": f"staff:{admin.staff.id}"})
    audit_log.record("reconcile", actor="operator", detail={"dry_run": True, "new": "word"})
    page = text_of(admin.see("/staff/audit"))
    assert (
        "Payment: pay_1 · Amount: $12.50 · Credits: Only what is not spent; no debt · Reason: Paid twice · "
        "State: Waits for a second person"
    ) in page
    assert "App studio" in page
    assert "Credits: 1,234.5 · Code: day_limit" in page
    assert "App: studio · May: Read balances, histories and prices; Give money back" in page
    assert "Asked for by: alex@example.com" in page
    assert "Only compared: yes · new: word" in page
    admin.client.set_cookie("locale", "es")
    page = text_of(admin.see("/staff/audit"))
    assert "Importe: 12,50 US$ · Créditos: Solo lo no gastado; sin deuda · Motivo: Pagado dos veces" in page
    assert "Créditos: 1.234,5" in page
