"""One customer, things to sell, and what Stripe says when they are bought, renewed, changed, refunded or disputed.

Each method makes the objects that Stripe would make, and `tell` books one of them as a webhook does: facts read
from JSON, what is missing read from the stand-in, then the real verbs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from billing import accounts, clock, customers, fulfilment, prices, refunds
from billing.clock import add_months
from billing.db import db, transaction
from billing.ids import new_id
from billing.ledger.balances import BalanceView
from billing.ledger.history import EntryView, list_entries
from billing.models import Checkout, Payment, PaymentIntentLink, Price, StripeCustomer
from billing.money import MICRO
from billing.payments import RefundView
from billing.stripe_facts import (
    read_charge,
    read_checkout_session,
    read_credit_note,
    read_dispute,
    read_fraud_warning,
    read_invoice,
    read_invoice_payment,
    read_refund,
    read_subscription,
)
from tests.billing.stripe_stand_in import Object, StripeStandIn

MONTHS_OF = {"month": 1, "year": 12}


class Shop:
    """The customer's account, and Stripe as this customer's business sees it."""

    def __init__(self, stripe: StripeStandIn, public_id: str = "ana") -> None:
        self.stripe = stripe
        self.account_id = customers.ensure_customer(public_id)[0].account_id
        self.customer = stripe.new_id("cus")
        with transaction():
            db.session.add(
                StripeCustomer(
                    stripe_id=self.customer, account_id=self.account_id, livemode=False, created_at=clock.now()
                )
            )

    # what is for sale

    def price(
        self,
        item: str,
        credits: int,
        amount_minor: int,
        interval: str | None = "month",
        *,
        stripe_id: str | None = None,
        **terms: Any,
    ) -> str:
        """Put a price into the table, as the catalog's sync does; a pack's has no interval. Answers its id."""
        kind = terms.pop("kind", "plan" if interval else "pack")
        key = ":".join([kind, item, *([terms["tier"]] if "tier" in terms else []), *([interval] if interval else [])])
        if interval == "year":
            terms.setdefault("yearly_grant", "monthly")
        with transaction():
            price = prices.put_on_sale(
                stripe_id or self.stripe.new_id("price"),
                key,
                product_id=f"saldo_{kind}_{item}",
                kind=kind,
                item=item,
                interval=interval,
                amount_minor=amount_minor,
                currency=self.stripe.currency,
                credits=credits * MICRO,
                synced_at=clock.now(),
                **{"bonus": terms.pop("bonus", 0) * MICRO, "trial_credits": terms.pop("trial_credits", 0) * MICRO},
                **terms,
            )
            return price.stripe_id

    # packs

    def buy(self, price_id: str, *, quantity: int = 1, paid: bool = True, total: int | None = None) -> str:
        """A pack's completed Checkout Session, not told yet; `paid=False` for a delayed method."""
        price = self._price(price_id)
        total = price.amount_minor * quantity if total is None else total
        session = self.stripe.put(
            "checkout.session",
            "cs",
            mode="payment",
            status="complete",
            payment_status="no_payment_required" if not total else "paid" if paid else "unpaid",
            client_reference_id="ana",
            customer=self.customer,
            subscription=None,
            payment_intent=self.stripe.new_id("pi") if total else None,
            invoice=None,
            amount_total=total,
            currency=self.stripe.currency,
        )
        credits = price.credits + price.bonus
        with transaction():
            db.session.add(
                Checkout(
                    id=new_id("co"),
                    account_id=self.account_id,
                    session_id=session["id"],
                    price_id=price_id,
                    kind="pack",
                    item=price.item,
                    quantity=quantity,
                    credits=credits,
                    status="open",
                    created_at=clock.now(),
                    expires_at=add_months(clock.now(), 1),
                )
            )
        return str(session["id"])

    # subscriptions

    def subscribe(
        self, price_id: str, *, quantity: int = 1, trial_until: datetime | None = None, discounted: bool = False
    ) -> str:
        """A new subscription; its first invoice is paid and not told yet. Answers the invoice's id."""
        price = self._price(price_id)
        now = clock.now()
        ends_at = trial_until or add_months(now, MONTHS_OF[str(price.interval)])
        subscription = self.stripe.put(
            "subscription",
            "sub",
            customer=self.customer,
            status="trialing" if trial_until else "active",
            cancel_at_period_end=False,
            _anchor=trial_until or now,
            items={"object": "list", "data": [{"id": self.stripe.new_id("si"), "object": "subscription_item"}]},
        )
        self._set_item(subscription, price_id, quantity, now, ends_at)
        line = self.line(subscription, now, ends_at, amount=0 if trial_until else None, discounted=discounted)
        return self.invoice(subscription, [line])

    def renew(self, subscription_id: str, *more_lines: Object) -> str:
        """The next period's paid invoice, whenever it is paid; `more_lines` come before the full one."""
        subscription = self.stripe.objects[subscription_id]
        item = subscription["items"]["data"][0]
        interval = MONTHS_OF[item["price"]["recurring"]["interval"]]
        starts_at = _moment(item["current_period_end"])
        anchor, months = subscription["_anchor"], interval
        while add_months(anchor, months) <= starts_at:
            months += interval
        ends_at = add_months(anchor, months)
        subscription["status"] = "active"
        self._set_item(subscription, item["price"]["id"], item["quantity"], starts_at, ends_at)
        return self.invoice(subscription, [*more_lines, self.line(subscription, starts_at, ends_at)])

    def switch(
        self, subscription_id: str, price_id: str | None = None, quantity: int | None = None, *, invoiced: bool = True
    ) -> Any:
        """Change plan or seats now, proration paid at once; with `invoiced=False` answers the lines instead.

        Another interval begins a cycle now: a credit for the rest of the old one and a full line of the new price.
        """
        subscription = self.stripe.objects[subscription_id]
        item = subscription["items"]["data"][0]
        now, ends_at = clock.now(), _moment(item["current_period_end"])
        lines = [self.proration(subscription, now, ends_at, sign=-1)]
        before = self._price(item["price"]["id"])
        after = self._price(price_id or before.stripe_id)
        quantity = item["quantity"] if quantity is None else quantity
        if after.interval == before.interval:
            starts_at = _moment(item["current_period_start"])
            self._set_item(subscription, after.stripe_id, quantity, starts_at, ends_at)
            lines.append(self.proration(subscription, now, ends_at))
        else:
            ends_at = add_months(now, MONTHS_OF[str(after.interval)])
            subscription["_anchor"] = now
            self._set_item(subscription, after.stripe_id, quantity, now, ends_at)
            lines.append(self.line(subscription, now, ends_at))
        return self.invoice(subscription, lines) if invoiced else lines

    def line(
        self,
        subscription: Object,
        starts_at: datetime,
        ends_at: datetime,
        *,
        amount: int | None = None,
        discounted: bool = False,
        proration: bool = False,
    ) -> Object:
        """An invoice line for what the subscription's item is now; by default a full one."""
        item = subscription["items"]["data"][0]
        price = self._price(item["price"]["id"])
        amount = price.amount_minor * item["quantity"] if amount is None else amount
        details = {"subscription": subscription["id"], "subscription_item": item["id"], "proration": proration}
        return {
            "id": self.stripe.new_id("il"),
            "object": "line_item",
            "amount": amount,
            "quantity": item["quantity"],
            "discount_amounts": [{"amount": amount, "discount": "di_1"}] if discounted else [],
            "period": {"start": int(starts_at.timestamp()), "end": int(ends_at.timestamp())},
            "parent": {"type": "subscription_item_details", "subscription_item_details": details},
            "pricing": {
                "type": "price_details",
                "price_details": {"price": price.stripe_id, "product": price.product_id},
            },
        }

    def proration(self, subscription: Object, starts_at: datetime, ends_at: datetime, sign: int = 1) -> Object:
        """A proration line for the rest of the item's period, at what Stripe would charge or credit for it."""
        item = subscription["items"]["data"][0]
        price = self._price(item["price"]["id"])
        begin, end = _moment(item["current_period_start"]), _moment(item["current_period_end"])
        share = Fraction(int((ends_at - starts_at).total_seconds()), int((end - begin).total_seconds()))
        amount = sign * round(price.amount_minor * item["quantity"] * share)
        return self.line(subscription, starts_at, ends_at, amount=amount, proration=True)

    def invoice(self, subscription: Object | None, lines: list[Object], **fields: Any) -> str:
        """A paid invoice of these lines, not told yet; the total is what they add up to, discounts taken off."""
        off = sum(d["amount"] for line in lines for d in line["discount_amounts"])
        total = max(0, sum(line["amount"] for line in lines) - off)
        details = {"subscription": subscription["id"], "metadata": {}} if subscription else None
        invoice = self.stripe.put(
            "invoice",
            "in",
            customer=self.customer,
            parent={"type": "subscription_details", "subscription_details": details} if details else None,
            billing_reason="subscription_cycle" if subscription else "manual",
            status="paid",
            total=total,
            amount_paid=total,
            currency=self.stripe.currency,
            lines={"object": "list", "data": lines, "has_more": False},
            status_transitions={"paid_at": int(clock.now().timestamp())},
            attempt_count=1,
        )
        invoice.update(fields)
        if invoice["total"]:
            self.stripe.put(
                "invoice_payment",
                "inpay",
                invoice=invoice["id"],
                status="paid",
                amount_paid=invoice["total"],
                payment={"type": "payment_intent", "payment_intent": self.stripe.new_id("pi")},
            )
        return str(invoice["id"])

    def subscription_of(self, invoice_id: str) -> str:
        """The subscription that an invoice is for."""
        parent = self.stripe.objects[invoice_id]["parent"]
        return str(parent["subscription_details"]["subscription"])

    def end(self, subscription_id: str) -> str:
        """End a subscription now; not told yet."""
        now = int(clock.now().timestamp())
        self.stripe.objects[subscription_id] |= {"status": "canceled", "canceled_at": now, "ended_at": now}
        return subscription_id

    # money back

    def payment_intent_of(self, paid_id: str) -> str:
        """The PaymentIntent that paid a session or an invoice."""
        paid = self.stripe.objects[paid_id]
        if paid["object"] == "checkout.session":
            return str(paid["payment_intent"])
        found = [each for each in self.stripe.all("invoice_payment") if each["invoice"] == paid_id]
        return str(found[0]["payment"]["payment_intent"])

    def dashboard_refund(self, paid_id: str, amount_minor: int, status: str = "succeeded") -> str:
        """A refund made in Stripe's Dashboard, not told yet."""
        refund = self.stripe.put(
            "refund",
            "re",
            amount=amount_minor,
            currency=self.stripe.currency,
            status=status,
            payment_intent=self.payment_intent_of(paid_id),
            charge=None,
            reason="requested_by_customer",
        )
        return str(refund["id"])

    def staff_refund(
        self, paid_id: str, amount_minor: int | None = None, credits: str = "proportional", **fields: Any
    ) -> RefundView:
        """A refund by staff; what the stand-in answers (`refund_status`) is booked with it."""
        return refunds.request_refund(
            self.payment(paid_id).id,
            amount_minor=amount_minor,
            credits=credits,
            **{"reason": "requested_by_customer", "note": None, "actor": "staff:sam", **fields},
        )

    def dispute(self, paid_id: str, amount_minor: int, status: str = "needs_response") -> str:
        """A dispute of a payment, not told yet."""
        dispute = self.stripe.put(
            "dispute",
            "dp",
            amount=amount_minor,
            currency=self.stripe.currency,
            status=status,
            charge="ch_of_it",
            payment_intent=self.payment_intent_of(paid_id),
            reason="fraudulent",
            evidence_details={"due_by": None},
        )
        return str(dispute["id"])

    def credit_note(self, invoice_id: str, amount_minor: int, refunded: int = 0, **fields: Any) -> str:
        """A credit note on a paid invoice, `refunded` of it by a refund told apart; not told yet."""
        note = self.stripe.put(
            "credit_note",
            "cn",
            invoice=invoice_id,
            type="post_payment",
            amount=amount_minor,
            post_payment_amount=amount_minor,
            refunds=[{"amount_refunded": refunded, "refund": "re_of_it"}] if refunded else [],
            currency=self.stripe.currency,
            status="issued",
            reason="order_change",
        )
        note.update(fields)
        return str(note["id"])

    def fraud_warning(self, paid_id: str, actionable: bool = True) -> str:
        """An early fraud warning of a payment, not told yet."""
        warning = self.stripe.put(
            "radar.early_fraud_warning",
            "issfr",
            charge="ch_of_it",
            payment_intent=self.payment_intent_of(paid_id),
            fraud_type="made_with_stolen_card",
            actionable=actionable,
        )
        return str(warning["id"])

    def decide(self, object_id: str, status: str) -> str:
        """Set the status of a refund or dispute at Stripe and tell of it."""
        self.stripe.objects[object_id]["status"] = status
        return self.tell(object_id)

    # hearing of it

    def tell(self, object_id: str) -> str:
        """Book what an event about this object would book, and answer the verb's word."""
        obj = {name: value for name, value in self.stripe.objects[object_id].items() if not name.startswith("_")}
        prepare: dict[str, Any] = {
            "checkout.session": lambda: fulfilment.prepare_session(read_checkout_session(obj)),
            "invoice": lambda: fulfilment.prepare_invoice(read_invoice(obj)),
            "invoice_payment": lambda: fulfilment.prepare_invoice_payment(read_invoice_payment(obj)),
            "subscription": lambda: fulfilment.prepare_subscription(obj["id"], read_subscription(obj)),
            "refund": lambda: fulfilment.prepare_refund(read_refund(obj)),
            "dispute": lambda: fulfilment.prepare_dispute(read_dispute(obj)),
            "credit_note": lambda: fulfilment.prepare_credit_note(read_credit_note(obj)),
            "radar.early_fraud_warning": lambda: fulfilment.prepare_fraud_warning(read_fraud_warning(obj)),
            "charge": lambda: fulfilment.prepare_charge_refunds(read_charge(obj)),
        }
        word: str = prepare[obj["object"]]()()
        if obj["object"] == "invoice" and word in ("granted", "duplicate"):
            for paid in self.stripe.all("invoice_payment"):
                if paid["invoice"] == object_id:
                    self.tell(paid["id"])
        return word

    # looking

    def payment(self, paid_id: str) -> Payment:
        """Our payment for a session or an invoice."""
        column = Payment.session_id if paid_id.startswith("cs_") else Payment.invoice_id
        found = db.session.query(Payment).where(column == paid_id).one()
        return found

    def links(self) -> list[PaymentIntentLink]:
        """Which PaymentIntents are known to have paid."""
        return db.session.query(PaymentIntentLink).order_by(PaymentIntentLink.payment_intent_id).all()

    def balance(self) -> BalanceView:
        """The balance now, with everything due booked."""
        return accounts.read_balance(self.account_id)

    def entries(self, **filters: Any) -> list[EntryView]:
        """The entries, oldest first."""
        accounts.ensure_up_to_date(self.account_id)
        return list_entries(self.account_id, limit=100, **filters).entries[::-1]

    def told(self) -> list[tuple[str, str, int]]:
        """Every entry as (kind, reason, whole credits), oldest first."""
        return [(entry.kind, entry.reason, entry.amount // MICRO) for entry in self.entries()]

    def _price(self, price_id: str) -> Price:
        price = prices.price_of(price_id)
        assert price is not None
        return price

    def _set_item(
        self, subscription: Object, price_id: str, quantity: int, starts_at: datetime, ends_at: datetime
    ) -> None:
        price = self._price(price_id)
        subscription["items"]["data"][0] |= {
            "price": {"id": price_id, "product": price.product_id, "recurring": {"interval": price.interval}},
            "quantity": quantity,
            "current_period_start": int(starts_at.timestamp()),
            "current_period_end": int(ends_at.timestamp()),
        }


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
