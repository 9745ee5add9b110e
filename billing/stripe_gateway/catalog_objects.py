"""Products and prices: what `stripe sync-catalog` keeps at Stripe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from stripe.params import PriceCreateParams

from billing.ids import new_id
from billing.stripe_facts import PriceFacts, ProductFacts, read_price, read_product
from billing.stripe_gateway.calls import PAGE_SIZE, Calls

MAX_LOOKUP_KEYS = 10
"""Stripe's limit for one call."""


class CatalogCalls(Calls):
    """`products`, `prices`."""

    def retrieve_product(self, product_id: str) -> ProductFacts:
        """The product; raises `StripeNotFound`."""
        return self._call("products.retrieve", lambda: self._v1.products.retrieve(product_id), read_product)

    def create_product(
        self, *, product_id: str, name: str, metadata: dict[str, str], idempotency_key: str
    ) -> ProductFacts:
        """A product under our own fixed id."""
        return self._call(
            "products.create",
            lambda: self._v1.products.create(
                {"id": product_id, "name": name, "metadata": metadata}, {"idempotency_key": idempotency_key}
            ),
            read_product,
        )

    def rename_product(self, product_id: str, *, name: str) -> ProductFacts:
        """Give a product another name, and note it as ours: a name changed by hand differs from the note."""
        key = new_id("rename")
        return self._call(
            "products.update",
            lambda: self._v1.products.update(
                product_id, {"name": name, "metadata": {"saldo_name": name}}, {"idempotency_key": key}
            ),
            read_product,
        )

    def retrieve_price(self, price_id: str) -> PriceFacts:
        """The price; raises `StripeNotFound`."""
        return self._call("prices.retrieve", lambda: self._v1.prices.retrieve(price_id), read_price)

    def create_price(
        self,
        *,
        product: str,
        lookup_key: str,
        unit_amount: int,
        currency: str,
        interval: Literal["month", "year"] | None,
        metadata: dict[str, str],
        idempotency_key: str,
    ) -> PriceFacts:
        """A new price, which takes the lookup key over from the one that had it."""
        params: PriceCreateParams = {
            "product": product,
            "lookup_key": lookup_key,
            "transfer_lookup_key": True,
            "unit_amount": unit_amount,
            "currency": currency,
            "metadata": metadata,
        }
        if interval:
            params["recurring"] = {"interval": interval}
        return self._call(
            "prices.create",
            lambda: self._v1.prices.create(params, {"idempotency_key": idempotency_key}),
            read_price,
        )

    def deactivate_price(self, price_id: str) -> PriceFacts:
        """Close a price for new buyers; subscriptions on it go on."""
        return self._call(
            "prices.update",
            # Setting the same again is harmless, so the key may be derived: repeats are one act.
            lambda: self._v1.prices.update(price_id, {"active": False}, {"idempotency_key": f"deactivate-{price_id}"}),
            read_price,
        )

    def list_prices_by_lookup_key(self, lookup_keys: Sequence[str]) -> list[PriceFacts]:
        """The prices, active or not, that hold these lookup keys now."""
        found: list[PriceFacts] = []
        for start in range(0, len(lookup_keys), MAX_LOOKUP_KEYS):
            keys = list(lookup_keys[start : start + MAX_LOOKUP_KEYS])

            def fetch(after: str | None, keys: list[str] = keys) -> Any:
                return self._v1.prices.list(
                    {
                        "lookup_keys": keys,
                        "limit": PAGE_SIZE,
                        **({"starting_after": after} if after else {}),
                    }
                )

            found.extend(self._pages("prices.list", fetch, read_price))
        return found

    def list_product_prices(self, product: str) -> Iterator[PriceFacts]:
        """Every price of a product, active or not, newest first."""

        def fetch(after: str | None) -> Any:
            return self._v1.prices.list(
                {"product": product, "limit": PAGE_SIZE, **({"starting_after": after} if after else {})}
            )

        return self._pages("prices.list", fetch, read_price)
