"""Keep the catalog's products and prices at Stripe, and the price table in step with them.

Prices are immutable: whatever changes of what one costs or is worth makes a new one that takes the lookup key
over; the old one is closed to new buyers and keeps its credits for its subscribers (R9). What somebody edited at
Stripe by hand is reported as drift, never overwritten. Each step can be repeated, so a sync that was killed is
simply run again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from billing import catalog, clock, influencers, prices, stripe_gateway
from billing.catalog import Sellable
from billing.catalog_sync.worth import WORTH, is_ours, is_worth, worth_metadata, worth_of
from billing.db import db, transaction
from billing.models import Price
from billing.stripe_facts import PriceFacts, ProductFacts
from billing.stripe_gateway import StripeGateway, StripeNotFound

PORTAL_MARK = "saldo_portal"


@dataclass(slots=True)
class SyncReport:
    """What a sync did, or would do, by lookup key or object; `drift` are sentences for people."""

    created: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        """Whether anything differed from what Stripe and the price table held."""
        return bool(self.created or self.replaced or self.archived or self.recovered)


def sync_catalog(dry_run: bool = False) -> SyncReport:
    """Bring Stripe and the price table up to the catalog; with `dry_run` only say what would be done.

    Calls Stripe many times: raises `StripeUnavailable`, after which it can be run again.
    """
    return _Sync(stripe_gateway.current(), dry_run).run(catalog.sellables(influencers.known()))


def unsynced_tiers() -> list[str]:
    """Lookup keys of tiers added or changed at run time whose price is not on sale yet, or is another one."""
    on_sale = prices.active_prices()
    return [
        each.lookup_key
        for each in catalog.sellables(influencers.added())
        if each.lookup_key not in on_sale or not _is_row_worth(on_sale[each.lookup_key], each)
    ]


def sync_added_influencers() -> SyncReport:
    """Bring to Stripe what was added or changed at run time, and nothing else. Raises `StripeUnavailable`."""
    return _Sync(stripe_gateway.current(), dry_run=False).run_part(catalog.sellables(influencers.added()))


def _is_row_worth(row: Price, sellable: Sellable) -> bool:
    columns = ("amount_minor", "currency", "interval", *WORTH)
    return all(getattr(row, name) == getattr(sellable, name) for name in columns)


class _Sync:
    """One run over everything for sale."""

    def __init__(self, gateway: StripeGateway, dry_run: bool) -> None:
        self.gateway = gateway
        self.dry_run = dry_run
        self.report = SyncReport()

    def run(self, for_sale: list[Sellable]) -> SyncReport:
        """Everything for sale; what is not among it is closed."""
        self.run_part(for_sale)
        self._archive(keep={each.lookup_key for each in for_sale})
        self._sync_portal()
        return self.report

    def run_part(self, for_sale: list[Sellable]) -> SyncReport:
        """These only; others stay as they are."""
        products: dict[str, list[Sellable]] = {}
        for sellable in for_sale:
            products.setdefault(sellable.product_id, []).append(sellable)
        holders = {
            price.lookup_key: price
            for price in self.gateway.list_prices_by_lookup_key([each.lookup_key for each in for_sale])
        }
        for product_id, sellables in products.items():
            product = self._sync_product(product_id, sellables[0])
            at_stripe = list(self.gateway.list_product_prices(product_id)) if product else []
            for sellable in sellables:
                self._sync_price(sellable, holders.get(sellable.lookup_key), at_stripe)
            self._close_leftovers(at_stripe)
        return self.report

    def _sync_product(self, product_id: str, sellable: Sellable) -> ProductFacts | None:
        """Make the product under its fixed id, or compare it; None when it does not exist (yet)."""
        try:
            product = self.gateway.retrieve_product(product_id)
        except StripeNotFound:
            self.report.created.append(product_id)
            if self.dry_run:
                return None
            return self.gateway.create_product(
                product_id=product_id,
                name=sellable.product_name,
                metadata={"saldo_name": sellable.product_name},
                idempotency_key=_key("product", product_id, sellable.product_name),
            )
        if not product.active:
            self.report.drift.append(f"{product_id} is archived at Stripe")
        made_as = product.metadata.get("saldo_name", sellable.product_name)
        if product.name != made_as:
            self.report.drift.append(f"{product_id} is called {product.name!r} at Stripe")
        elif product.name != sellable.product_name:
            self.report.replaced.append(f"{product_id} (name)")
            if not self.dry_run:
                self.gateway.rename_product(product_id, name=sellable.product_name)
        return product

    def _sync_price(self, sellable: Sellable, holder: PriceFacts | None, at_stripe: list[PriceFacts]) -> None:
        """Compare the price that holds the lookup key at Stripe, and the one in our table, with the catalog."""
        key = sellable.lookup_key
        row = prices.active_prices().get(key)
        if holder is not None and not is_ours(holder, key):
            self.report.drift.append(f"{key} is held by {holder.id}, a price that Saldo did not make")
            return
        if row is not None and (holder is None or holder.id != row.stripe_id):
            sold = next((each for each in at_stripe if each.id == row.stripe_id), None)
            if holder is None and sold is not None:
                self.report.drift.append(f"{key} was taken off {row.stripe_id} at Stripe")
                return
        if holder is not None and is_worth(holder, sellable):
            if holder.active:
                self._record(sellable, holder, row)
                return
            if row is not None and row.stripe_id == holder.id:
                self.report.drift.append(f"{key} ({holder.id}) was deactivated at Stripe")
                return
        self._replace(sellable, holder, row)

    def _record(self, sellable: Sellable, holder: PriceFacts, row: Price | None) -> None:
        """Stripe has the right price: make sure that our table sells it (a sync may have died before)."""
        if row is not None and row.stripe_id == holder.id:
            self.report.unchanged.append(sellable.lookup_key)
            return
        self.report.recovered.append(sellable.lookup_key)
        self._put_on_sale(sellable, holder)

    def _replace(self, sellable: Sellable, holder: PriceFacts | None, row: Price | None) -> None:
        before = holder.id if holder is not None else row.stripe_id if row is not None else None
        (self.report.created if before is None else self.report.replaced).append(sellable.lookup_key)
        if self.dry_run:
            return
        metadata = worth_metadata(sellable)
        made = self.gateway.create_price(
            product=sellable.product_id,
            lookup_key=sellable.lookup_key,
            unit_amount=sellable.amount_minor,
            currency=sellable.currency,
            interval=sellable.interval,
            metadata=metadata,
            # A price that came, went and comes again is a new one each time.
            idempotency_key=_key(
                "price", sellable.amount_minor, sellable.currency, sellable.interval, metadata, before
            ),
        )
        self._put_on_sale(sellable, made)
        if holder is not None and holder.active:
            self.gateway.deactivate_price(holder.id)

    def _put_on_sale(self, sellable: Sellable, price: PriceFacts) -> None:
        if self.dry_run:
            return
        with transaction():
            prices.put_on_sale(
                price.id,
                sellable.lookup_key,
                product_id=sellable.product_id,
                interval=sellable.interval,
                amount_minor=sellable.amount_minor,
                currency=sellable.currency,
                synced_at=clock.now(),
                **{name: getattr(sellable, name) for name in WORTH},
            )

    def _close_leftovers(self, at_stripe: Iterable[PriceFacts]) -> None:
        """Look at a product's other prices: close replaced ones, remember forgotten ones, report foreign ones."""
        now_sold = {price.stripe_id for price in prices.active_prices().values()}
        for price in at_stripe:
            if price.id in now_sold:
                continue
            known = prices.price_of(price.id)
            if known is None and not is_ours(price):
                if price.active:
                    self.report.drift.append(f"{price.product} has {price.id}, a price Saldo did not make")
                continue
            if self.dry_run:
                continue
            if known is None:
                self._remember(price)
            # One that still holds a key is either sold or was reported just now.
            if price.active and price.lookup_key is None:
                self.gateway.deactivate_price(price.id)

    def _remember(self, price: PriceFacts) -> None:
        """An old price of ours that the table has lost: its subscribers' invoices are worth what it says (R9)."""
        if price.unit_amount is None:
            return
        self.report.recovered.append(f"{price.metadata['saldo_key']} ({price.id})")
        with transaction():
            prices.remember(
                price.id,
                price.metadata["saldo_key"],
                active=False,
                product_id=price.product,
                interval=price.interval,
                amount_minor=price.unit_amount,
                currency=price.currency,
                synced_at=clock.now(),
                **worth_of(price.metadata),
            )

    def _archive(self, keep: set[str]) -> None:
        """Close prices of what the catalog no longer sells; subscriptions on them go on."""
        for key, row in prices.active_prices().items():
            if key in keep:
                continue
            stripe_id = row.stripe_id
            self.report.archived.append(key)
            if self.dry_run:
                continue
            try:
                self.gateway.deactivate_price(stripe_id)
            except StripeNotFound:
                self.report.drift.append(f"{key} ({stripe_id}) is not at Stripe any more")
            with transaction():
                db.session.get_one(Price, stripe_id).active = False

    def _sync_portal(self) -> None:
        """Make the portal's configuration, found again by its metadata."""
        configurations = self.gateway.list_portal_configurations()
        if any(PORTAL_MARK in each.metadata for each in configurations):
            self.report.unchanged.append("portal")
            return
        self.report.created.append("portal")
        if not self.dry_run:
            self.gateway.create_portal_configuration(metadata={PORTAL_MARK: "1"}, idempotency_key=_key("portal", 1))


def _key(*words: object) -> str:
    return "catalog-" + hashlib.sha256(repr(words).encode()).hexdigest()[:40]
