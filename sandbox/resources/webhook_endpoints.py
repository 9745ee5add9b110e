"""Webhook endpoints."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.ids import new_id, token
from sandbox.protocol.errors import invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.settings import API_VERSION, is_loopback
from sandbox.store import Obj
from sandbox.world import World

_IN_PROCESS_URL = "http://127.0.0.1/in-process"
_FIELDS = "description enabled_events metadata url"


def new_endpoint(now: int, url: str, events: list[str], secret: str, description: str | None = None) -> Obj:
    """An endpoint; its secret is shown only once, when it is created by API."""
    return {
        "id": new_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": now,
        "description": description,
        "enabled_events": events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
        "_secret": secret,
    }


def ensure_default_endpoint(world: World) -> None:
    """Point the default endpoint at the receiver of these settings; it gets every event."""
    settings = world.settings
    url = settings.webhook_url or (_IN_PROCESS_URL if settings.deliver else "")
    with world.turn():
        current = next(world.store.where("webhook_endpoint", _default=True), None)
        status = "enabled" if url else "disabled"
        if current is not None:
            world.store.update(current, url=url or current["url"], _secret=settings.webhook_secret, status=status)
        elif url:
            endpoint = new_endpoint(world.now(), url, ["*"], settings.webhook_secret, "Default endpoint")
            world.store.add({**endpoint, "_default": True})


def create(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """POST /v1/webhook_endpoints; the answer, and only it, carries the secret."""
    if params.get("api_version", API_VERSION) != API_VERSION:
        raise invalid(f"The sandbox speaks {API_VERSION} only.", param="api_version")
    _check_url(params["url"])
    secret = f"whsec_{token(32)}"
    endpoint = new_endpoint(world.now(), params["url"], params["enabled_events"], secret, params.get("description"))
    endpoint["metadata"] = params.get("metadata") or {}
    world.store.add(endpoint)
    shown = {name: value for name, value in endpoint.items() if not name.startswith("_")}
    return {"_wire": True, **shown, "secret": secret}


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/webhook_endpoints/{id}."""
    return world.need("webhook_endpoint", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/webhook_endpoints/{id}."""
    endpoint = world.need("webhook_endpoint", id)
    changes = metadata.changes(params, "description enabled_events url")
    if "url" in changes:
        _check_url(changes["url"])
    if "metadata" in params:
        changes["metadata"] = metadata.merged(endpoint["metadata"], params["metadata"])
    if "disabled" in params:
        changes["status"] = "disabled" if params["disabled"] else "enabled"
    world.store.update(endpoint, **changes)
    return endpoint


def delete(world: World, params: dict[str, Any], id: str) -> Obj:
    """DELETE /v1/webhook_endpoints/{id}."""
    endpoint = world.need("webhook_endpoint", id)
    world.store.update(endpoint, _deleted=True, status="disabled")
    return endpoint


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/webhook_endpoints."""
    return page(world, "webhook_endpoint", params)


def _check_url(url: str) -> None:
    """The sandbox sends its made-up events to this machine only."""
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if not url.startswith(("http://", "https://")) or not is_loopback(name):
        raise invalid("The sandbox delivers webhooks to this machine only.", param="url")


ROUTES = [
    Route(
        "POST",
        "/v1/webhook_endpoints",
        sdk.WebhookEndpointCreateParams,
        create,
        supports(f"{_FIELDS} api_version"),
    ),
    Route("GET", "/v1/webhook_endpoints", sdk.WebhookEndpointListParams, list_),
    Route("GET", "/v1/webhook_endpoints/{id}", sdk.WebhookEndpointRetrieveParams, retrieve),
    Route(
        "POST",
        "/v1/webhook_endpoints/{id}",
        sdk.WebhookEndpointUpdateParams,
        update,
        supports(f"{_FIELDS} disabled"),
    ),
    Route("DELETE", "/v1/webhook_endpoints/{id}", sdk.WebhookEndpointDeleteParams, delete),
]
