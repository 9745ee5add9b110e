"""Invoices, their lines past the first page, and what paid them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from billing.stripe_facts import (
    CreditNoteFacts,
    InvoiceFacts,
    InvoicePaymentFacts,
    LineFacts,
    read_credit_note,
    read_hosted_invoice_url,
    read_invoice,
    read_invoice_payment,
    read_line,
)
from billing.stripe_gateway.calls import PAGE_SIZE, Calls
from billing.stripe_gateway.hosted_pages import check_hosted_page


class InvoiceCalls(Calls):
    """`invoices`, `invoice_payments`, `credit_notes`."""

    def retrieve_invoice(self, invoice_id: str) -> InvoiceFacts:
        """The invoice as it is now; raises `StripeNotFound`."""
        return self._call("invoices.retrieve", lambda: self._v1.invoices.retrieve(invoice_id), read_invoice)

    def retrieve_hosted_invoice_url(self, invoice_id: str) -> str | None:
        """Where Stripe shows the invoice, and nowhere else (F138); None of a draft; raises `StripeNotFound`."""
        return self._call(
            "invoices.retrieve",
            lambda: self._v1.invoices.retrieve(invoice_id),
            lambda invoice: check_hosted_page(read_hosted_invoice_url(invoice), self._api_base),
        )

    def list_paid_invoices(
        self,
        *,
        subscription: str | None = None,
        customer: str | None = None,
        created_gte: datetime | None = None,
    ) -> Iterator[InvoiceFacts]:
        """Paid invoices, newest first, that match everything given."""
        params: dict[str, Any] = {"limit": PAGE_SIZE, "status": "paid"}
        if subscription:
            params["subscription"] = subscription
        if customer:
            params["customer"] = customer
        if created_gte:
            params["created"] = {"gte": int(created_gte.timestamp())}

        def fetch(after: str | None) -> Any:
            page = {**params, "starting_after": after} if after else params
            return self._v1.invoices.list(page)  # type: ignore[arg-type]

        return self._pages("invoices.list", fetch, read_invoice)

    def list_credit_notes(self, *, created_gte: datetime | None = None) -> Iterator[CreditNoteFacts]:
        """Credit notes, newest first; raises `StripeNotFound` where a stand-in for Stripe has none."""
        params: dict[str, Any] = {"limit": PAGE_SIZE}
        if created_gte:
            params["created"] = {"gte": int(created_gte.timestamp())}

        def fetch(after: str | None) -> Any:
            page = {**params, "starting_after": after} if after else params
            return self._v1.credit_notes.list(page)  # type: ignore[arg-type]

        return self._pages("credit_notes.list", fetch, read_credit_note)

    def list_invoice_lines(self, invoice_id: str) -> Iterator[LineFacts]:
        """Every line of an invoice, also those past the first page (`has_more`)."""

        def fetch(after: str | None) -> Any:
            return self._v1.invoices.line_items.list(
                invoice_id, {"limit": PAGE_SIZE, **({"starting_after": after} if after else {})}
            )

        return self._pages("invoices.line_items.list", fetch, read_line)

    def list_invoice_payments(
        self, *, invoice: str | None = None, payment_intent: str | None = None
    ) -> Iterator[InvoicePaymentFacts]:
        """What paid an invoice, or which invoices a PaymentIntent paid; give one of the two."""
        params: dict[str, Any] = {"limit": PAGE_SIZE, "status": "paid"}
        if invoice:
            params["invoice"] = invoice
        if payment_intent:
            params["payment"] = {"type": "payment_intent", "payment_intent": payment_intent}

        def fetch(after: str | None) -> Any:
            page = {**params, "starting_after": after} if after else params
            return self._v1.invoice_payments.list(page)  # type: ignore[arg-type]

        return self._pages("invoice_payments.list", fetch, read_invoice_payment)
