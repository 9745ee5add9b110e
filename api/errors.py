"""Which status an error becomes: the one table, and the RFC 9457 problem that is written with it (CONTRACT 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from api.answers import credits, time
from api.blueprint import bp
from billing import errors, money

_log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 5


class Problem(NamedTuple):
    """The status of a code, and its title: the same words whenever the code comes."""

    status: int
    title: str


PROBLEMS: dict[str, Problem] = {
    "malformed": Problem(400, "The request could not be read"),
    "idempotency_key_missing": Problem(400, "An Idempotency-Key is required"),
    "unauthenticated": Problem(401, "No valid API key"),
    "card_declined": Problem(402, "The card was declined"),
    "insufficient_credits": Problem(402, "Not enough credits"),
    "missing_scope": Problem(403, "The API key does not have this scope"),
    "not_permitted": Problem(403, "Not permitted"),
    "subscription_required": Problem(403, "A subscription is required"),
    "not_found": Problem(404, "Not found"),
    "method_not_allowed": Problem(405, "Method not allowed"),
    "already_subscribed": Problem(409, "Already subscribed"),
    "conflict": Problem(409, "This contradicts the present state"),
    "disputed": Problem(409, "The payment is disputed"),
    "hold_already_captured": Problem(409, "The hold has been captured"),
    "hold_already_voided": Problem(409, "The hold has been voided"),
    "hold_expired": Problem(409, "The hold has expired"),
    "idempotency_in_progress": Problem(409, "The first request with this key is still running"),
    "influencer_unavailable": Problem(409, "The influencer takes no new subscriptions"),
    "too_large": Problem(413, "The request is too large"),
    "unsupported_media_type": Problem(415, "Unsupported media type"),
    "capture_exceeds_hold": Problem(422, "The capture exceeds the hold"),
    "idempotency_key_reused": Problem(422, "The Idempotency-Key was used for another request"),
    "invalid": Problem(422, "A value is not allowed"),
    "refund_exceeds": Problem(422, "The refund exceeds what is left"),
    "unit_out_of_range": Problem(422, "No price for so many units"),
    "unknown_action": Problem(422, "Unknown action"),
    "quota_exceeded": Problem(429, "The limit is used up"),
    "rate_limited": Problem(429, "Too many requests"),
    "catalog_invalid": Problem(500, "The catalog is wrong"),
    "internal": Problem(500, "Internal error"),
    "database_unavailable": Problem(503, "The database is not available"),
    "price_not_synced": Problem(503, "The price is not at Stripe yet"),
    "stripe_unavailable": Problem(503, "Stripe is not available"),
    "wrong_schema": Problem(503, "The database has another version's tables"),
}
"""Every code of the API. A domain error carries its code; what is wrong with HTTP itself is below."""

HTTP_CODES = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}

_FIELDS = re.compile(r"([a-z_]+(?:, [a-z_]+)*): (.+)", re.DOTALL)
"""How a rule names the fields that it complains of."""


class Unauthenticated(errors.SaldoError):
    """There is no API key, or it is unknown or revoked; which of these is nobody's business."""

    code = "unauthenticated"
    message = "Send a valid API key as `Authorization: Bearer <key>`."


class MissingScope(errors.SaldoError):
    """The API key is valid, but not for this."""

    code = "missing_scope"
    message = "This API key may not do this."


class Malformed(errors.SaldoError):
    """The body is not JSON that can be read in one way only."""

    code = "malformed"
    message = "The body is not a JSON object."


class IdempotencyKeyMissing(errors.SaldoError):
    """A call that must happen once came without the key by which a repetition is known."""

    code = "idempotency_key_missing"
    message = "Send an Idempotency-Key header, a new one for each thing to be done."


class UnsupportedMediaType(errors.SaldoError):
    """The body is something else than JSON."""

    code = "unsupported_media_type"
    message = "Send the body as application/json."


class InvalidFields(errors.SaldoError):
    """Some fields of the request are not allowed: each with what is allowed there."""

    code = "invalid"

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in problems.items()))
        self.problems = problems


def problem(code: str, detail: str, **members: object) -> Response:
    """The answer for a code; `members` are those that its problem has besides."""
    status, title = PROBLEMS[code]
    body = {
        "type": f"urn:saldo:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": g.get("request_id"),
        **members,
    }
    response = Response(money.dumps(body), status, mimetype="application/problem+json")
    if status == 503 or code == "idempotency_in_progress":
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def answer_wrong_addresses(app: Flask) -> None:
    """Let what no call matches, path or method, be a problem too and not an HTML page."""

    @app.before_request
    def refuse() -> BaseResponse | None:
        error = request.routing_exception
        under_api = request.path == "/api" or request.path.startswith("/api/")
        return _http_problem(error) if error is not None and under_api else None


@bp.errorhandler(errors.SaldoError)
def problem_of(error: errors.SaldoError) -> Response:
    """The answer that an error of a rule becomes."""
    if PROBLEMS[error.code].status >= 500:
        _log.warning("unavailable", code=error.code)
    return problem(error.code, str(error), **_members(error))


@bp.errorhandler(HTTPException)
def _http_problem(error: HTTPException) -> BaseResponse:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    code = HTTP_CODES.get(status, "malformed" if status < 500 else "internal")
    # Whoever finds it missing, the router or a rule: what is not there always reads the same (R14).
    detail = errors.NotFound.message if code == "not_found" else PROBLEMS[code].title + "."
    response = problem(code, detail)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


@bp.errorhandler(Exception)
def _unexpected(error: Exception) -> Response:
    if _is_database_down(error):
        _log.error("database_unavailable", error=type(error).__name__)
        return problem("database_unavailable", "The database does not answer at the moment.")
    _log.exception("unexpected_error", exc_info=error)
    return problem("internal", "Something went wrong on our side; it has been recorded.")


def _is_database_down(error: Exception) -> bool:
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OperationalError | InterfaceError | PoolTimeout)


def _members(error: errors.SaldoError) -> dict[str, object]:
    """What a problem has besides the common members."""
    home = current_app.config["SETTINGS"].public_url
    if isinstance(error, errors.InsufficientCredits):
        return {
            "required": credits(error.required),
            "available": credits(error.available),
            "shortfall": credits(error.shortfall),
            "action": "buy_credits",
            "topup_url": f"{home}/packs?needed={money.format_credits_plain(error.required)}",
        }
    if isinstance(error, errors.QuotaExceeded):
        spending = error.resource == "spending"
        shown = credits if spending else int
        return {
            "resource": error.resource,
            "limit": shown(error.limit),
            "used": shown(error.used),
            "remaining": shown(error.remaining),
            "period": error.period,
            "resets_at": time(error.resets_at),
            "upgrade_url": f"{home}/plans",
        }
    if isinstance(error, errors.SubscriptionRequired):
        return {
            "influencer": error.influencer,
            "subscribe_url": f"{home}/influencers/{error.influencer}",
        }
    if isinstance(error, InvalidFields):
        return {"errors": [{"field": name, "message": text} for name, text in error.problems.items()]}
    named = _FIELDS.fullmatch(str(error)) if PROBLEMS[error.code].status == 422 else None
    if named:
        return {"errors": [{"field": field, "message": named[2]} for field in named[1].split(", ")]}
    if isinstance(error, errors.UnknownAction):
        return {"errors": [{"field": "action", "message": str(error)}]}
    return {}
