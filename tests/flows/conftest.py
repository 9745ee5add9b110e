"""The whole of Saldo in front of every story, once for a module and engine; each story ends with clean books."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from billing import staff_accounts
from tests.conftest import started
from tests.engines import ENGINES, Engine
from tests.flows.people import PASSWORD, Customer, Page, Staff
from tests.servers import Installation
from tests.stripe_world import sign


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """A page that does not say what it should is shown whole."""
    return [f"{left!r} {op} {right.url}", right.text] if isinstance(right, Page) else None


@dataclass
class Town:
    """An installation with the people around it."""

    installation: Installation
    _ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sandbox = self.installation.sandbox

    def customer(self, email: str, name: str = "") -> Customer:
        """Somebody who has just registered."""
        customer = Customer(self.installation.url)
        customer.register(email, name)
        return customer

    def hire(self, email: str) -> Staff:
        """Somebody of support, who has set a password by the link and is signed in."""
        with self.installation.inside() as app, app.app_context():
            member = staff_accounts.add_staff(email, "support")
            token = staff_accounts.make_setup_token(member.id, app.config["SECRET_KEY"])
        staff = Staff(self.installation.url)
        staff.open(f"/staff/setup/{token}")
        page = staff.press("Set password", password=PASSWORD, repeated=PASSWORD)
        assert page.path == "/staff", page.text
        return staff

    def id_of(self, customer: Customer) -> str:
        """Saldo's id of a customer, as it stands at Stripe on what they have paid or left unpaid."""
        if customer.email not in self._ids:
            found = self.sandbox.client.v1.customers.list({"email": customer.email}).data
            assert len(found) == 1, found
            assert found[0].metadata is not None
            self._ids[customer.email] = found[0].metadata["saldo_customer"]
        return self._ids[customer.email]

    def balance(self, customer: Customer) -> dict[str, Any]:
        """The customer's balance, by the API."""
        return dict(self.installation.api(f"customers/{self.id_of(customer)}/balance"))

    def entries(self, customer: Customer) -> list[tuple[str, str, float]]:
        """Kind, reason and credits of every entry, oldest first, by the API."""
        found = self.installation.api(f"customers/{self.id_of(customer)}/entries", limit=100)
        assert found["next_cursor"] is None
        return [(entry["kind"], entry["reason"], entry["amount"]) for entry in reversed(found["data"])]

    def payments(self, customer: Customer, kind: str) -> list[dict[str, Any]]:
        """The customer's payments of this kind, newest first, by the API."""
        found = self.installation.api(f"customers/{self.id_of(customer)}/payments", limit=100)["data"]
        return [each for each in found if each["kind"] == kind]

    def payment(self, customer: Customer, kind: str = "pack") -> dict[str, Any]:
        """The customer's only payment of this kind, by the API."""
        (payment,) = self.payments(customer, kind)
        return payment

    def subscription(self, customer: Customer, kind: str = "plan") -> dict[str, Any]:
        """The customer's only subscription of this kind, by the API."""
        found = self.installation.api(f"customers/{self.id_of(customer)}/subscriptions")["data"]
        (subscription,) = (each for each in found if each["kind"] == kind)
        return dict(subscription)

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The latest events of these types at Stripe, oldest first, delivered or not."""
        answer = requests.get(
            f"{self.sandbox.base_url}/v1/events",
            params=[("limit", "100"), *(("types[]", each) for each in types)],
            headers={"Authorization": f"Bearer {self.sandbox.secret_key}"},
            timeout=60,
        )
        answer.raise_for_status()
        return list(reversed(answer.json()["data"]))

    def deliver(self, event: dict[str, Any]) -> int:
        """Send an event as Stripe does; the status, or 0 when the server did not answer."""
        body = json.dumps(event).encode()
        try:
            answer = requests.post(
                f"{self.installation.url}/webhooks/stripe",
                data=body,
                headers={"Stripe-Signature": sign(body)},
                timeout=60,
            )
        except requests.RequestException:
            return 0
        return answer.status_code

    @staticmethod
    def time(text: str) -> datetime:
        """A time of the API."""
        return datetime.fromisoformat(text)

    def stripe_customer(self, customer: Customer) -> str:
        """The customer's id at Stripe."""
        (found,) = self.sandbox.client.v1.customers.list({"email": customer.email}).data
        return found.id


@pytest.fixture(scope="module")
def starts_at() -> datetime | None:
    """When business time begins; a module may choose another day than today."""
    return None


@pytest.fixture(scope="module")
def workers() -> int:
    """How many processes serve."""
    return 2


@pytest.fixture(scope="module", params=sorted(ENGINES))
def town(
    request: pytest.FixtureRequest,
    engines: dict[str, Engine],
    tmp_path_factory: pytest.TempPathFactory,
    starts_at: datetime | None,
    workers: int,
) -> Iterator[Town]:
    """Saldo on an empty database of each engine. However the stories went, the books must be right after them."""
    engine = started(request.param, engines)
    url = engine.fresh()
    folder: Path = tmp_path_factory.mktemp(request.param)
    installation = Installation(folder, url, starts_at=starts_at, workers=workers)
    try:
        installation.start()
        yield Town(installation)
        assert installation.command("ledger", "audit") == "The books are right.\n"
        assert installation.unexpected() == []
    finally:
        installation.close()
        engine.drop(url)


@pytest.fixture(autouse=True)
def calm_network(town: Town) -> Iterator[None]:
    """Whatever a story did to the network between Stripe and Saldo ends with it."""
    yield
    town.sandbox.control("faults", method="DELETE")
    town.sandbox.control(
        "webhooks", {"off": False, "drop": 0, "duplicate": False, "reorder": False, "delay_seconds": 0.0}
    )
    town.sandbox.flush()
