"""Stripe customers and the portal they manage themselves in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from billing.ids import new_id
from billing.stripe_facts import (
    CustomerFacts,
    PortalConfigurationFacts,
    fields,
    read_customer,
    read_portal_configuration,
)
from billing.stripe_gateway.calls import PAGE_SIZE, Calls


class CustomerCalls(Calls):
    """`customers`, `billing_portal`."""

    def create_customer(
        self,
        *,
        email: str | None,
        name: str | None,
        locale: str | None,
        metadata: dict[str, str],
        idempotency_key: str,
    ) -> CustomerFacts:
        """A new Stripe customer; nobody is ever looked up by e-mail."""
        return self._call(
            "customers.create",
            lambda: self._v1.customers.create(
                {
                    **({"email": email} if email else {}),
                    **({"name": name} if name else {}),
                    **({"preferred_locales": [locale]} if locale else {}),
                    "metadata": metadata,
                },
                {"idempotency_key": idempotency_key},
            ),
            read_customer,
        )

    def retrieve_customer(self, customer_id: str) -> CustomerFacts:
        """The customer, also a deleted one; raises `StripeNotFound`."""
        return self._call("customers.retrieve", lambda: self._v1.customers.retrieve(customer_id), read_customer)

    def change_customer_email(self, customer_id: str, email: str) -> CustomerFacts:
        """Send receipts and invoices to this address from now on; raises `StripeNotFound`."""
        return self._call(
            "customers.update", lambda: self._v1.customers.update(customer_id, {"email": email}), read_customer
        )

    def delete_customer(self, customer_id: str) -> CustomerFacts:
        """Delete the customer with their personal data, which ends their subscriptions; raises `StripeNotFound`."""
        return self._call("customers.delete", lambda: self._v1.customers.delete(customer_id), read_customer)

    def create_portal_session(
        self, *, customer: str, configuration: str | None, return_path: str, locale: str | None
    ) -> str:
        """The address of a portal session for this customer; it is good for a few minutes."""
        key = new_id("portal")
        return self._call(
            "billing_portal.sessions.create",
            lambda: self._v1.billing_portal.sessions.create(
                {
                    "customer": customer,
                    "return_url": self._public_url + return_path,
                    **({"configuration": configuration} if configuration else {}),
                    **({"locale": locale} if locale else {}),
                },
                {"idempotency_key": key},
            ),
            lambda answer: fields.text(answer, "url", longest=10_000),
        )

    def list_portal_configurations(self) -> Iterator[PortalConfigurationFacts]:
        """Every active configuration of the portal, ours and those made by hand."""

        def fetch(after: str | None) -> Any:
            return self._v1.billing_portal.configurations.list(
                {"active": True, "limit": PAGE_SIZE, **({"starting_after": after} if after else {})}
            )

        return self._pages("billing_portal.configurations.list", fetch, read_portal_configuration)

    def create_portal_configuration(
        self, *, metadata: dict[str, str], idempotency_key: str
    ) -> PortalConfigurationFacts:
        """A configuration in which customers cancel at period end, change cards and see their invoices.

        Plan changes stay on our own pages, where the credits they bring are shown before.
        """
        return self._call(
            "billing_portal.configurations.create",
            lambda: self._v1.billing_portal.configurations.create(
                {
                    "features": {
                        "invoice_history": {"enabled": True},
                        "payment_method_update": {"enabled": True},
                        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
                    },
                    "metadata": metadata,
                },
                {"idempotency_key": idempotency_key},
            ),
            read_portal_configuration,
        )
