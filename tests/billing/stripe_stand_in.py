"""Stripe in a dictionary: answers the few reads and the one write that the rules need, in Stripe's own shapes.

What it is asked goes through the real SDK and our gateway; only the network is missing (`responses`).
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses

from billing import clock

BASE = "http://stripe.test"

Object = dict[str, Any]


class StripeStandIn:
    """Objects by id; `calls` are the requests received, as (method, path, fields).

    `refund_status` is what a new refund is; `refusal` is answered instead of making one; with `answers_are_lost`
    it is made, and the answer is an error all the same.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.keys: dict[str, str] = {}
        self.refund_status = "succeeded"
        self.refusal: tuple[int, Object] | None = None
        self.answers_are_lost = False
        self.currency = "usd"
        self._numbers = itertools.count(1)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"

    def put(self, kind: str, prefix: str, **fields: Any) -> Object:
        """Store a new object and answer it."""
        obj = {
            "id": self.new_id(prefix),
            "object": kind,
            "livemode": False,
            "created": int(clock.now().timestamp()),
            "metadata": {},
            **fields,
        }
        self.objects[obj["id"]] = obj
        return obj

    def all(self, kind: str) -> list[Object]:
        """Objects of a kind, newest first, as Stripe lists them."""
        found = [obj for obj in self.objects.values() if obj["object"] == kind]
        return sorted(reversed(found), key=lambda obj: -obj["created"])

    def posts(self, path: str = "") -> list[dict[str, str]]:
        """The fields of each POST to this path."""
        return [fields for method, called, fields in self.calls if method == "POST" and called.startswith(path)]

    def switch_on(self, mock: responses.RequestsMock) -> None:
        """Answer everything that goes to Stripe's address."""
        for method in ("GET", "POST"):
            mock.add_callback(method, re.compile(re.escape(BASE) + ".*"), callback=self._answer)

    def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        url = urlsplit(request.url)
        body = request.body or ""
        text = body.decode() if isinstance(body, bytes) else body
        fields = {name: values[0] for name, values in parse_qs(text or url.query).items()}
        path = url.path.removeprefix("/v1/")
        self.calls.append((request.method, path, fields))
        if request.method == "POST":
            status, obj = self._create_refund(path, fields, request.headers["Idempotency-Key"])
        else:
            status, obj = self._read(path, fields)
        headers = {"Content-Type": "application/json", "Stripe-Should-Retry": "false"}
        return status, headers, json.dumps(obj)

    def _create_refund(self, path: str, fields: dict[str, str], key: str) -> tuple[int, Object]:
        assert path == "refunds", f"nobody posts to {path}"
        if self.refusal is not None:
            return self.refusal
        if key not in self.keys:
            refund = self.put(
                "refund",
                "re",
                amount=int(fields["amount"]),
                currency=self.currency,
                status=self.refund_status,
                payment_intent=fields["payment_intent"],
                charge=None,
                reason=fields.get("reason"),
                metadata={"saldo_refund": fields["metadata[saldo_refund]"]},
            )
            self.keys[key] = refund["id"]
        if self.answers_are_lost:
            return 500, {"error": {"type": "api_error", "message": "nobody knows"}}
        return 200, self.objects[self.keys[key]]

    def _read(self, path: str, fields: dict[str, str]) -> tuple[int, Object]:
        kind, *rest = path.removeprefix("checkout/").split("/")
        if rest and rest[-1] == "lines":
            return 200, self._list(self.objects[rest[0]]["_all_lines"])
        if rest:
            obj = self.objects.get(rest[0])
            missing = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "none"}}
            return (200, _shown(obj)) if obj is not None else (404, missing)
        found = self.all({"sessions": "checkout.session"}.get(kind, kind.removesuffix("s")))
        for name in ("payment_intent", "invoice", "charge", "status"):
            if name in fields:
                found = [obj for obj in found if obj.get(name) == fields[name]]
        if "payment[payment_intent]" in fields:
            wanted = fields["payment[payment_intent]"]
            found = [obj for obj in found if obj["payment"]["payment_intent"] == wanted]
        if "subscription" in fields:
            wanted = fields["subscription"]
            found = [obj for obj in found if obj["parent"]["subscription_details"]["subscription"] == wanted]
        return 200, self._list(found)

    def _list(self, found: list[Object]) -> Object:
        return {"object": "list", "url": "/", "has_more": False, "data": [_shown(obj) for obj in found]}


def _shown(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if not name.startswith("_")}
