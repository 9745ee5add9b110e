"""Every error is a problem in JSON that names its code and request, and nothing of our inside."""

from __future__ import annotations

import gc
import io

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from api.errors import PROBLEMS
from billing import errors
from billing.db import db
from tests.api.conftest import Caller, problem
from tests.stripe_world import Shop


def every_domain_error() -> list[type[errors.SaldoError]]:
    gc.collect()
    found, todo = [], [errors.SaldoError]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo += kind.__subclasses__()
    return found


def test_has_a_status_for_every_domain_error() -> None:
    assert {kind.code for kind in every_domain_error()} <= PROBLEMS.keys()


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/v1/plans/", "/v1/customers", "/v2/plans", "/v1/%00", "/v1/../x"]
)
def test_answers_an_unknown_address_in_json__F142(shop: Shop, path: str) -> None:
    answer = shop.app.test_client().get(f"/api{path}")
    assert problem(answer) == ((405, "method_not_allowed") if path == "/v1/customers" else (404, "not_found"))


def test_says_which_methods_there_are(shop: Shop, reader: Caller) -> None:
    answer = reader.call("DELETE", "/customers")
    assert problem(answer) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_ignores_a_method_in_a_header__F159(shop: Shop, reader: Caller) -> None:
    shop.customer("ada")
    answer = reader.call("GET", "/customers/ada", headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 200


def test_answers_alike_to_all_that_is_not_there(shop: Shop, reader: Caller) -> None:
    shop.customer("ada")
    bodies = []
    for public_id in ("nobody", "%00", "a" * 300, "%2e%2e", "%", "_", "é", "ada ", "ADA"):
        answer = reader.get(f"/customers/{public_id}/balance")
        assert problem(answer) == (404, "not_found"), public_id
        bodies.append({name: value for name, value in answer.json.items() if name != "request_id"})  # type: ignore[union-attr]
    assert all(body == bodies[0] for body in bodies)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "malformed")),
        (b"{", (400, "malformed")),
        (b"[]", (400, "malformed")),
        (b"null", (400, "malformed")),
        (b'{"id": "a", "id": "b"}', (400, "malformed")),
        (b'{"id": NaN}', (400, "malformed")),
        (b'{"id": 1e99999999999999999999}', (400, "malformed")),
        (b"[" * 100_000, (400, "malformed")),
        (b"\xff\xfe", (400, "malformed")),
        (b"{}", (422, "invalid")),
        (b'{"id": 5}', (422, "invalid")),
        (b'{"id": ""}', (422, "invalid")),
        (b'{"id": "a b"}', (422, "invalid")),
        (b'{"id": "x", "nickname": "y"}', (422, "invalid")),
        (b'{"id": "x", "email": "nobody"}', (422, "invalid")),
        (b'{"id": "x", "locale": "fr"}', (422, "invalid")),
        (b'{"id": "x", "name": "a\\u0000b"}', (422, "invalid")),
        (b'{"id": "x", "name": "\\ud800"}', (422, "invalid")),
        (b'{"id": "x", "name": 7, "email": []}', (422, "invalid")),
    ],
)
def test_names_what_is_wrong_with_a_body__F153(
    shop: Shop, biller: Caller, body: bytes, expected: tuple[int, str]
) -> None:
    answer = biller.call("POST", "/customers", data=body, content_type="application/json")
    assert problem(answer) == expected
    if expected[0] == 422:
        assert answer.json
        assert answer.json["errors"][0].keys() == {"field", "message"}


def test_names_all_wrong_fields_at_once(shop: Shop, biller: Caller) -> None:
    answer = biller.post("/customers", {"id": "a b", "email": 5, "shoe_size": 44})
    assert answer.json
    assert {each["field"] for each in answer.json["errors"]} == {"id", "email", "shoe_size"}


def test_takes_json_only__F153(shop: Shop, biller: Caller) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", None):
        answer = biller.call("POST", "/customers", data=b'{"id": "x"}', content_type=content_type)
        assert problem(answer) == (415, "unsupported_media_type")


def test_refuses_a_body_that_is_too_large(shop: Shop, biller: Caller) -> None:
    body = b'{"id": "x", "name": "' + b"a" * (1024 * 1024) + b'"}'
    answer = biller.call("POST", "/customers", data=body, content_type="application/json")
    assert problem(answer) == (413, "too_large")


@pytest.mark.parametrize(("megabytes", "left"), [(2, 0), (9, 1024 * 1024)])
def test_hears_a_body_that_is_too_large_out_before_the_line_is_cut(
    shop: Shop, biller: Caller, megabytes: int, left: int
) -> None:
    """Whoever is still sending then gets a broken pipe in place of the answer; but nobody has to be heard for ever."""
    length = megabytes * 1024 * 1024
    body = io.BytesIO(b" " * length)
    answer = biller.call(
        *("POST", "/customers"),
        input_stream=body,
        content_length=length,
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert problem(answer) == (413, "too_large")
    assert length - body.tell() == left


def test_says_nothing_of_the_inside_when_the_database_fails__F142(shop: Shop, reader: Caller) -> None:
    def fail(*_args: object) -> None:
        raise OperationalError("SELECT secrets FROM customers", {}, Exception("password=hunter2 at /srv/saldo"))

    event.listen(db.engine, "begin", fail)
    try:
        answer = reader.get("/customers/ada/balance")
    finally:
        event.remove(db.engine, "begin", fail)
    assert problem(answer) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    for word in ("SELECT", "hunter2", "/srv", "Traceback"):
        assert word not in answer.text


def test_says_nothing_of_the_inside_when_we_are_wrong__F142(
    shop: Shop, reader: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: object) -> None:
        raise ZeroDivisionError("at /srv/saldo with sk_test_secret")

    event.listen(db.engine, "begin", fail)
    try:
        answer = reader.get("/customers/ada/balance")
    finally:
        event.remove(db.engine, "begin", fail)
    assert problem(answer) == (500, "internal")
    assert "ZeroDivision" not in answer.text
    assert "sk_test" not in answer.text
