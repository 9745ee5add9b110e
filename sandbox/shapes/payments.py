"""Payment intents, charges, balance transactions, refunds, disputes."""

from __future__ import annotations

from typing import Any

from sandbox.ids import new_id, token
from sandbox.shapes.customers import NO_ADDRESS
from sandbox.store import Obj


def payment_intent(
    now: int,
    amount: int,
    currency: str,
    *,
    customer: str | None,
    metadata: dict[str, str],
    description: str | None,
    setup_future_usage: str | None = None,
    receipt_email: str | None = None,
) -> Obj:
    """A payment intent that waits for a payment method."""
    key = new_id("payment_intent")
    return {
        "id": key,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{key}_secret_{token(24)}",
        "confirmation_method": "automatic",
        "created": now,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": description,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": dict(metadata),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_record": None,
        "processing": None,
        "receipt_email": receipt_email,
        "review": None,
        "setup_future_usage": setup_future_usage,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def charge(now: int, intent: Obj, method: Obj, status: str, failure: dict[str, Any] | None) -> Obj:
    """One attempt to take the money: ``succeeded``, ``pending`` or ``failed``."""
    paid = status == "succeeded"
    return {
        "id": new_id("charge"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {**method["billing_details"], "address": dict(NO_ADDRESS)},
        "calculated_statement_descriptor": "SALDO SANDBOX",
        "captured": status != "failed",
        "created": now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": failure["code"] if failure else None,
        "failure_message": failure["message"] if failure else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(status),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(method, failure),
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }


def _outcome(status: str) -> dict[str, Any]:
    failed = status == "failed"
    return {
        "advice_code": "try_again_later" if failed else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if failed else "approved_by_network",
        "reason": "generic_decline" if failed else None,
        "risk_level": "normal",
        "seller_message": "The bank did not return any further details." if failed else "Payment complete.",
        "type": "issuer_declined" if failed else "authorized",
    }


def _details(method: Obj, failure: dict[str, Any] | None) -> dict[str, Any]:
    if method["type"] == "sepa_debit":
        bank = {k: v for k, v in method["sepa_debit"].items() if k != "generated_from"}
        return {"sepa_debit": {**bank, "mandate": None}, "type": "sepa_debit"}
    card = method["card"]
    secure = None
    if method["_behaviour"] == "3ds":
        secure = {
            "authentication_flow": "challenge",
            "electronic_commerce_indicator": None if failure else "05",
            "exemption_indicator": None,
            "result": "failed" if failure else "authenticated",
            "result_reason": "rejected" if failure else None,
            "transaction_id": None,
            "version": "2.2.0",
        }
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    return {
        "card": {
            **{name: card[name] for name in kept},
            "amount_authorized": None,
            "authorization_code": None,
            "electronic_commerce_indicator": None,
            "installments": None,
            "mandate": None,
            "network": "visa",
            "network_token": {"used": False},
            "network_transaction_id": None,
            "regulated_status": "unregulated",
            "three_d_secure": secure,
            "transaction_link_id": None,
            "wallet": None,
        },
        "type": "card",
    }


def balance_transaction(
    now: int, source: str, amount: int, currency: str, kind: str, fee: int = 0, description: str | None = None
) -> Obj:
    """A movement of the account's own balance; ``kind`` is Stripe's ``type``: ``charge``, ``refund``, …"""
    categories = {"adjustment": "dispute" if amount < 0 else "dispute_reversal"}
    fee_details = [
        {"amount": fee, "application": None, "currency": currency, "description": "Fee", "type": "stripe_fee"}
    ]
    return {
        "id": new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now + 2 * 86_400,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": fee_details if fee else [],
        "net": amount - fee,
        "reporting_category": categories.get(kind, kind),
        "source": source,
        "status": "pending",
        "type": kind,
    }


def refund(now: int, charge: Obj, amount: int, *, status: str, reason: str | None, metadata: dict[str, str]) -> Obj:
    """A refund of a charge, in whole or in part."""
    made: Obj = {
        "id": new_id("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": dict(metadata),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if status == "pending":
        made["pending_reason"] = "processing"
    return made


def dispute(now: int, charge: Obj, amount: int, *, status: str, reason: str) -> Obj:
    """A dispute of a charge; ``warning_needs_response`` makes it an inquiry, in which no money moves."""
    inquiry = status.startswith("warning_")
    return {
        "id": new_id("dispute"),
        "object": "dispute",
        "amount": amount,
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": _evidence(),
        "evidence_details": {
            "due_by": now + 14 * 86_400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": "visa",
                "network_reason_code": "10",
            },
            "type": "card",
        },
        "reason": reason,
        "status": status,
        "_balance_transactions": [],
    }


def _evidence() -> dict[str, Any]:
    names = (
        "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure"
        " cancellation_rebuttal customer_communication customer_email_address customer_name customer_purchase_ip"
        " customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id"
        " product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation service_date"
        " service_documentation shipping_address shipping_carrier shipping_date shipping_documentation"
        " shipping_tracking_number uncategorized_file uncategorized_text"
    )
    return {**dict.fromkeys(names.split()), "enhanced_evidence": {}}
