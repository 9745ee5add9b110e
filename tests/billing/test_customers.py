"""Customers: made once, found by anything that names them, never mixed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing import accounts, catalog, customers
from billing.customer_search import search_customers
from billing.errors import EmailTaken, InvalidCustomerId, InvalidEmail, NotFound, WeakPassword
from billing.ledger.history import list_entries
from billing.money import MICRO
from tests.billing.shop import Shop
from tests.conftest import Clock

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def free_plan(database: None, tmp_path: Path) -> None:
    """60 credits for signing up."""
    file = tmp_path / "free.toml"
    file.write_text('currency = "usd"\n[free_plan]\nname = "Free"\nsignup_credits = 60\n')
    catalog.configure(catalog.load_catalog(file))


def test_first_sight_brings_the_sign_up_credits_once() -> None:
    first, was_made = customers.ensure_customer("user-1", "ana@example.com", "Ana", "es")
    again, was_made_again = customers.ensure_customer("user-1", "other@example.com", "Other", "en")
    assert (was_made, was_made_again) == (True, False)
    assert again.account_id == first.account_id
    assert (again.email, again.name, again.locale) == ("ana@example.com", "Ana", "es")
    (entry,) = list_entries(first.account_id).entries
    assert (entry.kind, entry.reason, entry.amount) == ("CREDIT", "signup", 60 * MICRO)
    assert accounts.read_balance(first.account_id).grants[0].expires_at is None


def test_registering_brings_them_too_and_a_name_of_our_own() -> None:
    ana = customers.register("Ana@Example.com ", PASSWORD, "Ana", "es")
    assert ana.public_id.startswith("web_")
    assert ana.email == "ana@example.com"
    assert accounts.read_balance(ana.account_id).available == 60 * MICRO


def test_equal_address_never_links_two_customers() -> None:
    of_app, _ = customers.ensure_customer("user-1", "ana@example.com")
    of_pages = customers.register("ana@example.com", PASSWORD)
    other, _ = customers.ensure_customer("user-2", "ana@example.com")
    assert len({of_app.account_id, of_pages.account_id, other.account_id}) == 3
    with pytest.raises(EmailTaken):
        customers.register("ANA@example.com", PASSWORD)


@pytest.mark.parametrize(
    "email", ["", "ana", "ana@", "@example.com", "a b@example.com", "a@b\x00.com", "x" * 320 + "@e.com"]
)
def test_address_that_is_none_is_refused(email: str) -> None:
    with pytest.raises(InvalidEmail):
        customers.register(email, PASSWORD)
    assert search_customers("@") == []


def test_weak_password_is_refused_and_makes_nobody() -> None:
    with pytest.raises(WeakPassword):
        customers.register("ana@example.com", "short")
    assert not customers.is_login("ana@example.com")


def test_right_password_lets_in_and_no_other__F131() -> None:
    ana = customers.register("ana@example.com", PASSWORD)
    found = customers.authenticate(" ANA@example.com", PASSWORD)
    assert found is not None
    assert found.account_id == ana.account_id
    assert customers.authenticate("ana@example.com", PASSWORD + "!") is None
    assert customers.authenticate("nobody@example.com", PASSWORD) is None


def test_new_password_ends_the_sessions_of_the_old_one() -> None:
    ana = customers.register("ana@example.com", PASSWORD)
    before = ana.session_epoch
    assert customers.change_password(ana.account_id, "another horse battery").session_epoch == before + 1
    assert customers.authenticate("ana@example.com", PASSWORD) is None
    assert customers.authenticate("ana@example.com", "another horse battery") is not None


@pytest.mark.parametrize("public_id", ["a", "user-1", "auth0:42", "ana@example.com", "A.b_c-d", "9" * 128])
def test_id_of_an_app_is_kept_as_it_is(public_id: str) -> None:
    customers.ensure_customer(public_id)
    assert customers.find_customer(public_id).public_id == public_id


@pytest.mark.parametrize("public_id", ["", " ", "a b", "../etc", "%2e", "ñ", "a\n", "x" * 129, "user/1", "\x00"])
def test_id_that_is_none_is_refused__F152(public_id: str) -> None:
    with pytest.raises(InvalidCustomerId):
        customers.ensure_customer(public_id)


def test_ids_that_differ_in_case_are_two_customers__F155() -> None:
    assert customers.ensure_customer("Ana")[0].account_id != customers.ensure_customer("ana")[0].account_id
    with pytest.raises(NotFound):
        customers.find_customer("ANA")


def test_found_by_address_name_and_every_id(shop: Shop) -> None:
    found = search_customers("ana")
    assert [hit.account_id for hit in found] == [shop.account_id]
    session = shop.buy(shop.price("small", 100, 1000, None))
    shop.tell(session)
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    refund = shop.staff_refund(session, 100)
    dispute = shop.dispute(session, 500)
    shop.tell(dispute)
    names = [
        *(shop.customer, session, invoice, shop.subscription_of(invoice), dispute),
        *(shop.payment_intent_of(session), shop.payment_intent_of(invoice)),
        *(refund.id, str(refund.stripe_id), shop.payment(session).id),
    ]
    for name in names:
        assert [(hit.account_id, hit.why) for hit in search_customers(f" {name} ")] == [(shop.account_id, name)]


@pytest.mark.parametrize("query", ["", "   ", "%", "_", "\\", "' OR 1=1 --", "cus_none", "\x00", "%%%"])
def test_search_takes_nothing_for_a_pattern__F152(query: str) -> None:
    customers.ensure_customer("user-1", "ana@example.com", "Ana")
    assert search_customers(query) == []


def test_names_are_cleaned_and_found(clock: Clock) -> None:
    customers.ensure_customer("user-1", name="  Ana \n María\x00 ")
    customers.ensure_customer("user-2", name="100 % real")
    assert [hit.name for hit in search_customers("ana maría")] == ["Ana María"]
    assert [hit.public_id for hit in search_customers("% real")] == ["user-2"]


def test_customer_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        customers.get(404)
    with pytest.raises(NotFound):
        accounts.read_balance(404)
