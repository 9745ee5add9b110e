"""The wire: keys, parameters, idempotency, paging, expansion, errors, faults."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox import shop
from tests.sandbox_server import SandboxServer


def _call(sandbox: SandboxServer, method: str, path: str, data: Any = None, **headers: str) -> requests.Response:
    given = {"Authorization": f"Bearer {sandbox.secret_key}", **headers}
    return requests.request(method, sandbox.base_url + path, data=data, headers=given, timeout=10)


def test_refuse_a_wrong_key(sandbox: SandboxServer) -> None:
    answer = _call(sandbox, "GET", "/v1/customers", Authorization="Bearer sk_test_other")
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    assert answer.headers["Request-Id"].startswith("req_")
    assert requests.get(f"{sandbox.base_url}/_sandbox/clock", timeout=5).status_code == 401


def test_answer_with_stripes_headers(sandbox: SandboxServer) -> None:
    answer = _call(sandbox, "GET", "/v1/customers", **{"Stripe-Version": "2026-10-28.endive"})
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"
    assert answer.json() == {"object": "list", "data": [], "has_more": False, "url": "/v1/customers"}


def test_refuse_an_unknown_route(sandbox: SandboxServer, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refused:
        client.quotes.list()
    assert refused.value.http_status == 404
    assert "UNKNOWN ROUTE GET /v1/quotes" in caplog.text


@pytest.mark.parametrize(
    ("path", "data", "code", "param"),
    [
        ("/v1/customers", "nickname=x", "parameter_unknown", "nickname"),
        ("/v1/customers", "address[street]=x", "parameter_unknown", "address[street]"),
        ("/v1/products", "", "parameter_missing", "name"),
        ("/v1/refunds", "payment_intent=pi_1&amount=1.5", "parameter_invalid_integer", "amount"),
        ("/v1/refunds", "payment_intent=pi_1&reason=because", "parameter_invalid_enum", "reason"),
        ("/v1/refunds", "payment_intent=", "parameter_invalid_empty", "payment_intent"),
        ("/v1/products", "name=x&active=yes", "parameter_invalid_boolean", "active"),
        ("/v1/customers", "metadata[a][b]=x", None, "metadata[a]"),
        ("/v1/customers", "name[]=x", "parameter_invalid_array", "name"),
        ("/v1/checkout/sessions", "payment_method_types[0]=card", "parameter_unknown", "payment_method_types"),
        ("/v1/subscriptions", "customer=cus_1&backdate_start_date=1", "sandbox_unsupported", "backdate_start_date"),
    ],
)
def test_refuse_a_wrong_parameter(sandbox: SandboxServer, path: str, data: str, code: str | None, param: str) -> None:
    answer = _call(sandbox, "POST", path, data)
    error = answer.json()["error"]
    assert (answer.status_code, error.get("code"), error["param"]) == (400, code, param)


@pytest.mark.parametrize("data", ["a[=1", "=1", "a[b]=1&a=2", "%00%ff[x]=1", "a" + "[b]" * 40 + "=1", "[]=1"])
def test_refuse_a_malformed_form(sandbox: SandboxServer, data: str) -> None:
    assert _call(sandbox, "POST", "/v1/customers", data).status_code == 400


def test_replay_the_first_answer(sandbox: SandboxServer, client: Any) -> None:
    key = {"idempotency_key": "checkout-1"}
    first = client.customers.create({"email": "a@example.com"}, key)
    again = client.customers.create({"email": "a@example.com"}, key)
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(client.customers.list().data) == 1
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.customers.create({"email": "b@example.com"}, key)
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.products.create({"name": "x"}, key)


def test_replay_an_error_of_the_work_but_not_of_validation(sandbox: SandboxServer, client: Any) -> None:
    missing = {"payment_intent": "pi_none"}
    for replayed in (False, True):
        with pytest.raises(stripe.InvalidRequestError, match="No such payment intent"):
            client.refunds.create(missing, {"idempotency_key": "refund-1"})
        assert sandbox.calls(path="/v1/refunds")[-1]["replayed"] is replayed
    with pytest.raises(stripe.InvalidRequestError):
        client.products.create({"active": True}, {"idempotency_key": "product-1"})
    assert client.products.create({"name": "x"}, {"idempotency_key": "product-1"}).id


def test_refuse_a_key_that_is_in_use(sandbox: SandboxServer) -> None:
    sandbox.fault("latency", seconds=0.6, method="POST", path="/v1/customers")
    statuses = []

    def send() -> None:
        answer = _call(sandbox, "POST", "/v1/customers", "email=a@example.com", **{"Idempotency-Key": "same"})
        statuses.append((answer.status_code, answer.json().get("error", {}).get("code")))

    first = threading.Thread(target=send)
    first.start()
    time.sleep(0.2)
    send()
    first.join()
    assert statuses == [(409, "idempotency_key_in_use"), (200, None)]
    send()
    assert statuses[-1] == (200, None)
    assert len(_call(sandbox, "GET", "/v1/customers").json()["data"]) == 1


def test_make_one_object_of_many_equal_calls_at_once(sandbox: SandboxServer) -> None:
    def send() -> None:
        _call(sandbox, "POST", "/v1/customers", "email=a@example.com", **{"Idempotency-Key": "crowd"})

    crowd = [threading.Thread(target=send) for _ in range(12)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert len(_call(sandbox, "GET", "/v1/customers").json()["data"]) == 1


def test_turn_pages(client: Any) -> None:
    made = [client.customers.create({"email": f"c{n}@example.com"}).id for n in range(7)]
    newest = list(reversed(made))
    first = client.customers.list({"limit": 3})
    assert ([c.id for c in first.data], first.has_more) == (newest[:3], True)
    second = client.customers.list({"limit": 3, "starting_after": newest[2]})
    assert ([c.id for c in second.data], second.has_more) == (newest[3:6], True)
    last = client.customers.list({"limit": 3, "starting_after": newest[5]})
    assert ([c.id for c in last.data], last.has_more) == (newest[6:], False)
    back = client.customers.list({"limit": 3, "ending_before": newest[5]})
    assert ([c.id for c in back.data], back.has_more) == (newest[2:5], True)
    assert [c.id for c in client.customers.list({"limit": 2}).auto_paging_iter()] == newest
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.customers.list({"starting_after": "cus_none"})
    assert (refused.value.code, refused.value.param) == ("resource_missing", "starting_after")
    with pytest.raises(stripe.InvalidRequestError):
        client.customers.list({"limit": 101})


def test_filter_by_creation(sandbox: SandboxServer, client: Any) -> None:
    client.customers.create({"email": "old@example.com"})
    sandbox.advance(days=2)
    now = sandbox.world.now()
    new = client.customers.create({"email": "new@example.com"})
    found = client.customers.list({"created": {"gte": now - 60}})
    assert [c.id for c in found.data] == [new.id]
    assert len(client.customers.list({"created": {"lt": now - 60}}).data) == 1


def test_expand_ids_lists_and_nested_objects(sandbox: SandboxServer, client: Any) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    found = client.subscriptions.retrieve(
        subscription.id,
        {"expand": ["customer", "latest_invoice.payments.data.payment.payment_intent", "items.data.price.product"]},
    )
    assert found.customer.email == "ada@example.com"
    assert found.latest_invoice.payments.data[0].payment.payment_intent.status == "succeeded"
    assert found["items"].data[0].price.product.name == "Basic"
    listed = client.invoices.list({"expand": ["data.customer", "data.payments"]})
    assert (listed.data[0].customer.id, listed.data[0].payments.data[0].status) == (subscription.customer, "paid")
    assert "payments" not in client.invoices.retrieve(subscription.latest_invoice)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.subscriptions.retrieve(subscription.id, {"expand": ["status.name"]})


def test_page_through_the_lines_of_an_invoice(sandbox: SandboxServer, client: Any) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1000))
    for quantity in range(2, 9):
        items = [{"id": subscription["items"].data[0].id, "quantity": quantity}]
        client.subscriptions.update(subscription.id, {"items": items})
    sandbox.advance(days=32)
    invoice = client.invoices.list().data[0]
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    lines = list(client.invoices.line_items.list(invoice.id, {"limit": 4}).auto_paging_iter())
    assert len(lines) == 15
    assert sum(line.amount for line in lines) == invoice.total


def test_update_and_unset_fields(client: Any) -> None:
    made = client.customers.create({"email": "a@example.com", "metadata": {"a": "1", "b": "2"}})
    changed = client.customers.update(made.id, {"name": "Bo", "metadata": {"a": "", "c": "3"}})
    assert (changed.name, changed.metadata.to_dict()) == ("Bo", {"b": "2", "c": "3"})
    assert client.customers.update(made.id, {"metadata": ""}).metadata.to_dict() == {}
    plan = shop.price(client, 1500)
    assert client.products.update(plan.product, {"description": "All of it"}).description == "All of it"
    assert client.products.update(plan.product, {"description": ""}).description is None
    event = client.events.list({"type": "customer.updated"}).data[-1]
    assert event.data.previous_attributes.to_dict() == {"name": None, "metadata": {"a": "1", "b": "2"}}


def test_replace_a_price_by_lookup_key(client: Any) -> None:
    old = shop.price(client, 1500, lookup_key="plan:basic:month")
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        shop.price(client, 1700, lookup_key="plan:basic:month")
    new = shop.price(client, 1700, lookup_key="plan:basic:month", transfer_lookup_key=True)
    client.prices.update(old.id, {"active": False})
    assert [p.id for p in client.prices.list({"lookup_keys": ["plan:basic:month"]}).data] == [new.id]
    assert client.prices.retrieve(old.id).lookup_key is None
    assert [p.id for p in client.prices.list({"product": "saldo_plan_basic", "active": True}).data] == [new.id]
    with pytest.raises(stripe.InvalidRequestError, match="at most 10"):
        client.prices.list({"lookup_keys": [f"k{n}" for n in range(11)]})
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        client.products.create({"id": "saldo_plan_basic", "name": "Basic"})


def test_retry_what_is_retryable(sandbox: SandboxServer) -> None:
    patient = stripe.StripeClient(
        sandbox.secret_key, base_addresses={"api": sandbox.base_url}, max_network_retries=2
    ).v1
    sandbox.fault("500", path="/v1/customers")
    sandbox.fault("drop", method="POST", path="/v1/customers", skip=1)
    patient.customers.create({"email": "a@example.com"})
    calls = sandbox.calls("POST", "/v1/customers")
    assert [c["status"] for c in calls] == [500, 200, 200]
    assert len({c["idempotency_key"] for c in calls}) == 1
    assert [c["replayed"] for c in calls] == [False, False, True]
    assert len(patient.customers.list().data) == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", stripe.RateLimitError),
        ("500", stripe.APIError),
        ("401", stripe.AuthenticationError),
        ("409", stripe.APIError),
        ("html", stripe.APIError),
        ("truncated", stripe.APIError),
        ("drop", stripe.APIConnectionError),
    ],
)
def test_fail_as_told(sandbox: SandboxServer, client: Any, kind: str, error: type[Exception]) -> None:
    sandbox.fault(kind, path="/v1/customers", method="POST")
    with pytest.raises(error):
        client.customers.create({"email": "a@example.com"})
    done = kind in ("html", "truncated", "drop")
    assert len(client.customers.list().data) == int(done)


def test_remember_a_planted_500_when_told(sandbox: SandboxServer, client: Any) -> None:
    sandbox.fault("500", path="/v1/customers", remember=True)
    for replayed in (False, True):
        with pytest.raises(stripe.APIError):
            client.customers.create({"email": "a@example.com"}, {"idempotency_key": "c-1"})
        assert sandbox.calls("POST")[-1]["replayed"] is replayed


def test_forget_idempotency_keys(sandbox: SandboxServer, client: Any) -> None:
    key = {"idempotency_key": "c-1"}
    first = client.customers.create({"email": "a@example.com"}, key)
    sandbox.fault("forget_idempotency_keys")
    assert client.customers.create({"email": "a@example.com"}, key).id != first.id


def test_refuse_an_unknown_fault(sandbox: SandboxServer) -> None:
    for fault in ({"kind": "earthquake"}, {"kind": "500", "volume": 3}, {"kind": "500", "path": "("}):
        with pytest.raises(RuntimeError, match="400"):
            sandbox.control("faults", fault)
    assert sandbox.control("faults") == {"planted": []}


def test_serve_this_machine_only(sandbox: SandboxServer) -> None:
    assert _call(sandbox, "GET", "/v1/customers", Host="evil.test").status_code == 403
    form = {"ahead": "1"}
    origin = {"Origin": "https://evil.test"}
    assert requests.post(f"{sandbox.base_url}/clock", data=form, headers=origin, timeout=5).status_code == 403


def test_name_the_account(client: Any) -> None:
    assert client.accounts.retrieve_current().id.startswith("acct_sandbox")
