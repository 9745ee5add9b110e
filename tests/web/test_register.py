"""`/register`."""

from __future__ import annotations

import re

import pytest

from billing import accounts, customers
from billing.errors import NotFound
from billing.money import MICRO
from tests.web.conftest import PASSWORD, Visitor, text_of


def test_register_gives_the_sign_up_credits_once_and_signs_in(visitor: Visitor) -> None:
    answer = visitor.send("/register", email="Eva@Example.com", password=PASSWORD, name="Eva", locale="es")
    assert (answer.status_code, answer.location) == (303, "/balance")
    customer = customers.authenticate("eva@example.com", PASSWORD)
    assert customer is not None
    assert accounts.read_balance(customer.account_id).available == 60 * MICRO
    assert "60 créditos" in text_of(visitor.see("/balance"))
    visitor.see("/balance")
    assert accounts.read_balance(customer.account_id).entry_count == 1


def test_register_leads_back_to_where_the_reader_was(visitor: Visitor) -> None:
    answer = visitor.send(
        "/register", email="eva@example.com", password=PASSWORD, locale="en", next="/plans?interval=year"
    )
    assert answer.location == "/plans?interval=year"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"email": ""}, "Enter your e-mail address"),
        ({"email": "eva"}, "This does not look like an e-mail address"),
        ({"password": "short"}, "Choose a password of at least 8 characters"),
        ({"password": ""}, "Choose a password"),
        ({"name": "x" * 201}, "The name is longer than 200 characters"),
    ],
)
def test_register_says_what_is_wrong_at_the_field(visitor: Visitor, wrong: dict[str, str], said: str) -> None:
    answer = visitor.send("/register", **{"email": "eva@example.com", "password": PASSWORD, "locale": "en", **wrong})
    assert answer.status_code == 422
    field = next(iter(wrong))
    assert text_of(answer).count(said) == 2, "once in the summary, once at the field"
    assert f'href="#{field}"' in answer.text
    assert f'aria-describedby="{field}' in answer.text or f"{field}-error" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert customers.authenticate("eva@example.com", PASSWORD) is None


@pytest.mark.parametrize(
    ("password", "said"), [("", "Choose a password"), ("short", "Choose a password of at least 8")]
)
def test_register_tells_all_that_is_wrong_at_once_each_at_its_field(visitor: Visitor, password: str, said: str) -> None:
    answer = visitor.send("/register", email="eva", password=password, locale="en", name="x" * 201)
    assert answer.status_code == 422
    wrong = {"email": "This does not look like an e-mail address", "password": said, "name": "The name is longer than"}
    for field, words in wrong.items():
        assert text_of(answer).count(words) == 2, "once in the summary, once at the field"
        assert f'href="#{field}"' in answer.text
        (shown,) = re.findall(rf'<input[^>]* id="{field}"[^>]*>', answer.text)
        assert 'aria-invalid="true"' in shown
        (described,) = re.findall(r'aria-describedby="([^"]+)"', shown)
        assert f"{field}-error" in described.split()
        assert f'id="{field}-error"' in answer.text


def test_register_refuses_a_second_account_with_the_same_address(ana: Visitor, another: Visitor) -> None:
    answer = another.send("/register", email="ANA@example.com", password=PASSWORD, locale="en")
    assert answer.status_code == 422
    assert "There already is an account" in text_of(answer)
    with pytest.raises(NotFound):
        customers.get(ana.account_id + 1)


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE customers;--", "{{7*7}}", "<script>alert(1)</script>", "👩‍🎤 عربى e\u0301"]
)
def test_register_keeps_odd_names_and_shows_them_escaped(visitor: Visitor, name: str) -> None:
    assert (
        visitor.send("/register", email="e@example.com", password=PASSWORD, locale="en", name=name).status_code == 303
    )
    page = visitor.see("/settings")
    assert (
        name in text_of(page)
        or name.replace("'", "&#39;") in page.text
        or name in page.text.replace("&lt;", "<").replace("&gt;", ">")
    )
    assert "<script>alert" not in page.text
    assert "49" not in text_of(page).split("Name")[1][:20]


@pytest.mark.parametrize("field", ["email", "password", "name", "locale", "next"])
@pytest.mark.parametrize("value", ["\x00", "\ud800", "x" * 10_000, "\r\nSet-Cookie: a=b"])
def test_register_never_breaks_on_any_text(visitor: Visitor, field: str, value: str) -> None:
    fields = {"email": "e@example.com", "password": PASSWORD, "locale": "en", field: value}
    if "\ud800" in value:
        fields[field] = value.encode("utf-8", "surrogatepass").decode("latin-1")
    answer = visitor.send("/register", **fields)
    assert answer.status_code in (303, 400, 422)
    assert "a=b" not in str(answer.headers)
