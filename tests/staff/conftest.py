"""Staff at their desk: `desk` is somebody of support, `admin` an admin, both signed in."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from billing import customers, staff_accounts
from billing.db import db
from billing.models import AuditRecord
from billing.staff_accounts import StaffView
from tests.stripe_world import environ, sandbox, shop
from tests.web.conftest import Visitor, text_of

__all__ = ["Desk", "environ", "fields_of", "sandbox", "shop", "text_of"]

PASSWORD = "correct horse battery"
SECRET_KEY = "a key for tests only, 32 letters"


class Desk(Visitor):
    """A browser of somebody who works here."""

    staff: StaffView

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        return self.send("/staff/login", email=email, password=password)


def hire(app: Flask, email: str, role: str) -> Desk:
    """A member of staff, signed in."""
    staff = staff_accounts.add_staff(email, role)
    staff_accounts.set_password(staff_accounts.make_setup_token(staff.id, SECRET_KEY), SECRET_KEY, PASSWORD)
    desk = Desk(app.test_client())
    desk.staff = staff
    assert desk.sign_in(email).status_code == 303
    return desk


def fields_of(page: TestResponse, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to `action`, its CSRF token apart."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page.text, re.DOTALL)
    assert form, f"no form for {action}"
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    return {name: unescape(value) for name, value in pairs if name != "csrf_token"}


def audit_rows() -> list[tuple[str, str, bool]]:
    """Actor, action and whether it was allowed, oldest first; what operators did is left out."""
    db.session.rollback()
    rows = db.session.scalars(select(AuditRecord).where(AuditRecord.actor != "operator").order_by(AuditRecord.id))
    return [(row.actor, row.action, row.allowed) for row in rows if row.action != "staff.set_password"]


@pytest.fixture
def desk(app: Flask) -> Desk:
    return hire(app, "sam@example.com", "support")


@pytest.fixture
def admin(app: Flask) -> Desk:
    return hire(app, "alex@example.com", "admin")


@pytest.fixture
def visitor_at_staff(app: Flask) -> Desk:
    """A stranger at the door of staff."""
    return Desk(app.test_client())


@pytest.fixture
def customer_browser(app: Flask) -> Visitor:
    """A customer who is signed in on the customers' pages."""
    customer = customers.register("ana@example.com", PASSWORD, "Ana", "en")
    visitor = Visitor(app.test_client(), customer.account_id)
    assert visitor.sign_in("ana@example.com", PASSWORD).status_code == 303
    return visitor
