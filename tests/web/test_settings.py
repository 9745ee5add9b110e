"""`/settings`: name, language, password."""

from __future__ import annotations

from flask import Flask

from billing import customers
from tests.web.conftest import PASSWORD, Visitor, text_of

NEW = "another horse entirely"


def change(visitor: Visitor, current: str = PASSWORD, new: str = NEW, again: str | None = None):  # type: ignore[no-untyped-def]
    return visitor.send(
        "/settings/password", current_password=current, new_password=new, repeated_password=again or new
    )


def test_save_profile_changes_name_and_language(ana: Visitor) -> None:
    assert ana.send("/settings/profile", name=" Ana  María ", locale="es_MX").status_code == 303
    page = text_of(ana.see("/settings"))
    assert "Tus ajustes están guardados." in page
    assert customers.get(ana.account_id).name == "Ana María"


def test_save_profile_refuses_an_unknown_language(ana: Visitor) -> None:
    assert ana.send("/settings/profile", name="Ana", locale="xx").status_code == 422
    assert customers.get(ana.account_id).locale == "en"


def test_change_password_ends_every_other_session__F129(app: Flask, ana: Visitor, another: Visitor) -> None:
    another.sign_in("ana@example.com")
    assert change(ana).status_code == 303
    assert ana.see("/balance").status_code == 200, "here one stays signed in"
    assert another.see("/balance").status_code == 303
    assert another.sign_in("ana@example.com").status_code == 401
    assert another.sign_in("ana@example.com", NEW).status_code == 303


def test_change_password_wants_the_current_one(ana: Visitor) -> None:
    answer = change(ana, current="wrong")
    assert answer.status_code == 422
    assert "This is not your current password" in text_of(answer)
    assert customers.authenticate("ana@example.com", PASSWORD)


def test_change_password_refuses_a_short_one_and_a_slip(ana: Visitor) -> None:
    assert "at least 8 characters" in text_of(change(ana, new="short"))
    assert "The two new passwords differ" in text_of(change(ana, again=NEW + "x"))
    assert customers.authenticate("ana@example.com", PASSWORD)


def test_change_password_is_throttled(ana: Visitor) -> None:
    for _ in range(10):
        change(ana, current="wrong")
    assert "too many attempts" in text_of(change(ana))
    assert customers.authenticate("ana@example.com", PASSWORD)
