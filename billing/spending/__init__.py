"""Spending credits: debit, hold, capture, void, fail, and giving a debit back (R3, R4, R6)."""

from billing.orders import Order
from billing.spending.debits import Charge, Spent, debit, refund_debit
from billing.spending.holding import (
    DEFAULT_HOLD_SECONDS,
    MAX_HOLD_SECONDS,
    HoldView,
    capture_hold,
    fail_hold,
    place_hold,
    read_hold,
    void_hold,
)

__all__ = [
    "DEFAULT_HOLD_SECONDS",
    "MAX_HOLD_SECONDS",
    "Charge",
    "HoldView",
    "Order",
    "Spent",
    "capture_hold",
    "debit",
    "fail_hold",
    "place_hold",
    "read_hold",
    "refund_debit",
    "void_hold",
]
