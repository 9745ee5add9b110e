"""The road of one API request, from the bearer key to the JSON answer."""

from __future__ import annotations

import hmac
import json
import logging
import socket
import time
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request

from sandbox.ids import token
from sandbox.protocol import forms, params
from sandbox.protocol.errors import StripeFailure
from sandbox.protocol.expand import expand
from sandbox.protocol.faults import Fault
from sandbox.protocol.idempotency import Answer
from sandbox.protocol.lists import Page
from sandbox.protocol.routes import Route
from sandbox.render import list_of, wire
from sandbox.settings import API_VERSION
from sandbox.world import Cause, World

log = logging.getLogger("sandbox.api")
_NOT_STORED = (401, 409, 429)


def blueprint(world: World, routes: list[Route]) -> Blueprint:
    """Everything under ``/v1``."""
    api = Blueprint("api", __name__)

    @api.route("/v1/<path:_path>", methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
    def answer(_path: str) -> Response:
        return _Exchange(world, routes).respond()

    return api


def authorized(world: World) -> bool:
    """Whether the request carries the sandbox's secret key, as a bearer token or as Basic user name."""
    header = request.headers.get("Authorization", "")
    given = header[7:] if header.startswith("Bearer ") else ""
    if not given and request.authorization is not None:
        given = request.authorization.username or ""
    return hmac.compare_digest(given.encode(), world.settings.secret_key.encode())


class _Exchange:
    """One request and its answer."""

    def __init__(self, world: World, routes: list[Route]) -> None:
        self._world, self._routes = world, routes
        self._id = f"req_{token(14)}"
        self._key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        self._replayed = False
        self._raw: dict[str, Any] = {}

    def respond(self) -> Response:
        faults = self._world.faults.strike(request.method, request.path)
        try:
            answer = self._answer(faults)
        except StripeFailure as failure:
            answer = Answer(failure.status, failure.body)
        self._record(answer.status)
        return self._spoil(self._response(answer), faults)

    def _answer(self, faults: list[Fault]) -> Answer:
        if not authorized(self._world):
            raise StripeFailure(401, "Invalid API Key provided.")
        for fault in faults:
            _strike_before(self._world, fault)
        route, path = self._route()
        self._raw = _parameters()
        if self._key is None:
            return self._work(route, path, faults)
        remembered = self._world.idempotency.begin(self._key, request.method, request.path, self._raw)
        if remembered is not None:
            self._replayed = True
            return remembered
        answer = None
        try:
            answer = self._work(route, path, faults)
        except StripeFailure as failure:
            # Stripe remembers what began to be carried out, and nothing that its validation refused.
            if getattr(failure, "executed", False) and failure.status not in _NOT_STORED:
                self._finish(Answer(failure.status, failure.body))
            else:
                self._finish(None)
            raise
        self._finish(answer)
        return answer

    def _finish(self, answer: Answer | None) -> None:
        assert self._key is not None
        self._world.idempotency.finish(self._key, request.method, request.path, self._raw, answer)

    def _route(self) -> tuple[Route, dict[str, str]]:
        for route in self._routes:
            path = route.match(request.method, request.path)
            if path is not None:
                return route, path
        log.error("UNKNOWN ROUTE %s %s: the sandbox does not imitate it", request.method, request.path)
        raise StripeFailure(404, f"Unrecognized request URL ({request.method}: {request.path}).")

    def _work(self, route: Route, path: dict[str, str], faults: list[Fault]) -> Answer:
        checked = params.check(route.params, self._raw)
        route.require_support(checked)
        for fault in faults:
            if fault.kind == "latency":
                time.sleep(fault.seconds)
            elif fault.kind == "500":
                failure = StripeFailure(500, "An unknown error occurred", type="api_error")
                failure.executed = fault.remember  # type: ignore[attr-defined]
                raise failure
        world = self._world
        with world.turn(Cause(self._id, self._key)):
            try:
                result = route.handler(world, checked, **path)
                return Answer(200, expand(world, self._render(result), checked.get("expand") or []))
            except StripeFailure as failure:
                failure.executed = True  # type: ignore[attr-defined]
                raise
            except Exception as error:
                log.exception("%s %s broke inside the sandbox", request.method, request.path)
                broken = StripeFailure(500, f"The sandbox broke: {error!r}", type="api_error")
                broken.executed = True  # type: ignore[attr-defined]
                raise broken from error

    def _render(self, result: Any) -> dict[str, Any]:
        if isinstance(result, Page):
            return list_of(self._world, result.data, request.path, result.has_more)
        if result.get("_wire"):
            return {name: value for name, value in result.items() if name != "_wire"}
        return wire(self._world, result)

    def _response(self, answer: Answer) -> Response:
        body = json.dumps(answer.body, indent=2).encode()
        response = Response(body, answer.status, content_type="application/json")
        response.headers["Request-Id"] = self._id
        response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
        if self._key is not None:
            response.headers["Idempotency-Key"] = self._key
        if self._replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    def _record(self, status: int) -> None:
        self._world.calls.append(
            {
                "method": request.method,
                "path": request.path,
                "params": self._raw,
                "idempotency_key": self._key,
                "status": status,
                "replayed": self._replayed,
                "request_id": self._id,
                "stripe_version": request.headers.get("Stripe-Version"),
                "at": self._world.now(),
            }
        )

    def _spoil(self, response: Response, faults: list[Fault]) -> Response:
        """What happens to a good answer on its way back: the work is done, the caller does not learn it."""
        kinds = {fault.kind for fault in faults}
        if "html" in kinds:
            return Response("<html><body><h1>502 Bad Gateway</h1></body></html>", 502, content_type="text/html")
        if "truncated" in kinds:
            response.set_data(response.get_data()[: max(1, len(response.get_data()) // 2)])
        if "drop" in kinds:
            _hang_up()
        return response


def _parameters() -> dict[str, Any]:
    encoded = request.query_string.decode("utf-8", "replace")
    if request.method == "POST":
        encoded = request.get_data(cache=True).decode("utf-8", "replace") or encoded
    return forms.decode(encoded)


def _strike_before(world: World, fault: Fault) -> None:
    """Faults that refuse a call before anything is done."""
    if fault.kind == "401":
        raise StripeFailure(401, "Expired API Key provided.", code="api_key_expired")
    if fault.kind == "429":
        raise StripeFailure(429, "Too many requests hit the API too quickly.", code="rate_limit")
    if fault.kind == "409":
        raise StripeFailure(
            409, "This object cannot be accessed right now because another request is using it.", code="lock_timeout"
        )
    if fault.kind == "forget_idempotency_keys":
        world.idempotency.forget()


def _hang_up() -> None:
    connection = request.environ.get("werkzeug.socket")
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
