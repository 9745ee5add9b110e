"""`POST /webhooks/stripe`: is it Stripe's, is it an event, then to the inbox."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import structlog
from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from billing import clock
from billing.stripe_facts import Malformed, is_thin_event, read_event
from billing.stripe_gateway import BadSignature, check_signature
from webhooks import inbox
from webhooks.refusals import refusals

MAX_BODY_BYTES = 1024 * 1024
RETRY_AFTER_SECONDS = 30

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")
_log = structlog.get_logger(__name__)


# Stripe counts a redirect as a failure, so a path that is nearly right is 404 and never 3xx (F007).
@blueprint.post("/stripe", strict_slashes=True, merge_slashes=False, provide_automatic_options=False)
def receive_event() -> tuple[Response, int]:
    """200 with what became of the event, once that is committed; 400, 413, or 503 for Stripe to send it again."""
    try:
        body = _read_body()
        check_signature(
            body,
            request.headers.get("Stripe-Signature"),
            current_app.config["SETTINGS"].webhook_secrets,
            clock.wall_now(),
        )
        payload = _parse(body)
        if is_thin_event(payload):
            return _answer("ignored"), 200
        event = read_event(payload)
    except RequestEntityTooLarge:
        return _answer("too_large"), 413
    except BadSignature as refusal:
        refusals.note(refusal.why)
        return _answer("bad_request"), 400
    except (Malformed, ValueError, RecursionError):
        refusals.note("unreadable")
        return _answer("bad_request"), 400
    try:
        status = inbox.receive(event, body.decode())
    except Exception as error:
        # Whatever it was, the event is not acknowledged, so Stripe keeps it for us (R16).
        _log.error("webhook_failed", event_id=event.id, type=event.type, error=type(error).__name__)
        response = _answer("retry")
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response, 503
    _log.info("webhook_received", event_id=event.id, type=event.type, status=status)
    return _answer(status), 200


@blueprint.errorhandler(HTTPException)
def refuse(error: HTTPException) -> tuple[Response, int]:
    """Plain words for what HTTP itself refuses; no page, no hint."""
    return _answer("bad_request"), error.code or 400


def _read_body() -> bytes:
    """The raw bytes, which are what was signed; raises `RequestEntityTooLarge` without reading what is too long."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge()
    request.max_content_length = MAX_BODY_BYTES
    return request.get_data(cache=False)


def _parse(body: bytes) -> Any:
    return json.loads(body.decode(), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _answer(status: str) -> Response:
    return jsonify({"status": status})
