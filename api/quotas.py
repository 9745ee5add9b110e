"""`GET /customers/{c}/quotas` and `POST /customers/{c}/quotas/{resource}/reset`."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.answers import answer, credits, time
from api.auth import actor
from api.blueprint import bp
from api.body import read_body
from api.paths import customer_at
from billing import quotas
from billing.quotas import QuotaView


@bp.get("/customers/<public_id>/quotas")
def list_quotas(public_id: str) -> Response:
    """Every limit that holds for a customer, the spending limit that they set themselves last."""
    return answer({"data": [write_quota(quota) for quota in quotas.list_quotas(customer_at(public_id).account_id)]})


@bp.post("/customers/<public_id>/quotas/<resource>/reset")
def reset_quota(public_id: str, resource: str) -> Response:
    """Set what is used of a resource back to nothing, for a reason."""
    body = read_body("reason")
    reason = body.text("reason", required=True, longest=quotas.MAX_REASON_CHARACTERS) or ""
    body.check()
    account_id = customer_at(public_id).account_id
    return answer(write_quota(quotas.reset_quota(account_id, resource, reason=reason, actor=actor())))


def write_quota(quota: QuotaView) -> dict[str, Any]:
    """A limit as JSON; the spending limit counts credits."""
    shown = credits if quota.resource == quotas.SPENDING else int
    return {
        "resource": quota.resource,
        "limit": shown(quota.limit),
        "used": shown(quota.used),
        "remaining": shown(quota.remaining),
        "period": quota.period,
        "resets_at": time(quota.resets_at),
    }
