"""Money back: previewed, asked for once, retried for ever, settled when Stripe says so (R7, DESIGN: transactions).

A refund moves in three steps: A) under the account's lock it is checked, recorded and its credits frozen; B) Stripe is
called with a key that never changes for this refund; C) the answer or the webhook, whichever is first, settles it.
Above a limit a second person decides between A and B.
"""

from billing.refunds.asking import REASONS, request_refund
from billing.refunds.deciding import approve_refund, reject_refund, waiting_refunds
from billing.refunds.previewing import MODES, RefundPreview, preview_refund
from billing.refunds.reading import pending_refunds, read_refund
from billing.refunds.settling import KEY_LIFETIME, correct_refund, record_refund, resume_refund, told_by, told_of

__all__ = [
    "KEY_LIFETIME",
    "MODES",
    "REASONS",
    "RefundPreview",
    "approve_refund",
    "correct_refund",
    "pending_refunds",
    "preview_refund",
    "read_refund",
    "record_refund",
    "reject_refund",
    "request_refund",
    "resume_refund",
    "told_by",
    "told_of",
    "waiting_refunds",
]
