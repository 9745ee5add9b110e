"""For whoever watches the server: alive, ready, which version, and figures."""

from __future__ import annotations

import tomllib
from functools import cache

import structlog
from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

import metrics
from billing import schema, stripe_gateway
from billing.db import connection
from config import ROOT
from web.metrics import gauges

bp = Blueprint("health", __name__)
_log = structlog.get_logger(__name__)


@bp.get("/livez")
def livez() -> ResponseReturnValue:
    """The process answers; nothing else is looked at, so that a slow database never gets it restarted."""
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Whether requests can be served: 503 names each part that fails."""
    parts = {"database": _database(), "schema": schema.state(), "stripe": _stripe()}
    ready = all(state == "ok" for state in parts.values())
    return jsonify(status="ok" if ready else "failing", parts=parts), 200 if ready else 503


@bp.get("/version")
def version() -> ResponseReturnValue:
    """Saldo's version."""
    return jsonify(version=_version())


@bp.get("/metrics")
def show_metrics() -> Response:
    """Counters of all workers and what waits, for Prometheus; figures of the business, so keep them private."""
    return Response(metrics.exposition() + gauges(), content_type="text/plain; version=0.0.4; charset=utf-8")


@cache
def _version() -> str:
    with (ROOT / "pyproject.toml").open("rb") as project:
        number: str = tomllib.load(project)["project"]["version"]
    return number


def _database() -> str:
    try:
        connection().execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        _log.error("database_unavailable", error=type(error).__name__)
        return "unavailable"
    return "ok"


def _stripe() -> str:
    return "key refused" if stripe_gateway.current().auth_failed else "ok"
