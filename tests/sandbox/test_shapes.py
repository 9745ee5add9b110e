"""The sandbox speaks the installed SDK's version, and the checker that says so can tell."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import stripe

from sandbox.protocol.params import fields_of
from sandbox.resources import ROUTES
from sandbox.settings import API_VERSION
from tests.sandbox import schema_bundle, sdk_shapes, shop
from tests.sandbox.conftest import Receiver
from tests.sandbox_server import SandboxServer


def test_claim_the_version_of_the_installed_sdk() -> None:
    assert stripe.api_version == API_VERSION


@pytest.mark.skipif(not schema_bundle.present(), reason="no schema bundle beside the repository")
def test_claim_the_version_of_the_schema_bundle() -> None:
    assert schema_bundle.api_version() == API_VERSION


def test_support_only_parameters_that_the_sdk_has() -> None:
    for route in ROUTES:
        assert route.params is not None
        fields, _ = fields_of(route.params)
        assert (route.supports or frozenset()) <= set(fields), route


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (lambda i: i.update(subscription="sub_1"), "subscription: unknown field"),
        (lambda i: i.update(amount_paid="5"), "amount_paid"),
        (lambda i: i.update(billing_reason="renewal"), "billing_reason"),
        (lambda i: i.pop("currency"), "currency: missing"),
        (lambda i: i.update(created=None), "created"),
        (lambda i: i["lines"]["data"][0].update(price={}), "price: unknown field"),
        (lambda i: i["parent"]["subscription_details"].update(subscription=7), "subscription_details"),
    ],
)
def test_notice_a_wrong_shape(sandbox: SandboxServer, client: Any, receiver: Receiver, plant: Any, found: str) -> None:
    shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    invoice = receiver.last("invoice.paid")
    assert sdk_shapes.problems(invoice) == []
    wrong = copy.deepcopy(invoice)
    plant(wrong)
    assert any(found in problem for problem in sdk_shapes.problems(wrong))
    if schema_bundle.present():
        assert schema_bundle.problems(invoice) == []
        assert schema_bundle.problems(wrong) != []
