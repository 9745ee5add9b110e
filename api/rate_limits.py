"""How often somebody may call: each key counts for itself, so that one app's flood leaves all others alone (F208).

Counted is every call that got past the router: per key, and per address where there is no valid key. Webhooks come
in by another door and are never counted. The counters live where `RATELIMIT_STORAGE_URI` says.
"""

from __future__ import annotations

import math
import time

import structlog
from flask import current_app, request
from flask.sansio.blueprints import BlueprintSetupState
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

import metrics
from api.blueprint import bp
from api.call_counts import CallCounts
from config import Settings, SettingsError

_log = structlog.get_logger(__name__)


@bp.record_once
def _open_store(state: BlueprintSetupState) -> None:
    settings: Settings = state.app.config["SETTINGS"]
    uri = settings.ratelimit_storage_uri.get_secret_value()
    try:
        storage = CallCounts() if uri == "memory://" else storage_from_string(uri, wrap_exceptions=True)
    except ConfigurationError as error:
        # The library's text names the package, never the address and its password.
        package = "" if "://" in str(error) else f": {error}"
        raise SettingsError(f"RATELIMIT_STORAGE_URI needs a package that is not installed{package}") from None
    state.app.extensions["api_calls"] = FixedWindowRateLimiter(storage)


def count_key(key_id: str) -> None:
    """One call of this key; raises `TooManyRequests` when it has used its limit up."""
    _count("key", key_id)


def count_address() -> None:
    """One call without a valid key; raises `TooManyRequests` when its address has used its limit up."""
    _count("address", request.remote_addr or "")


def _count(kind: str, name: str) -> None:
    calls: FixedWindowRateLimiter = current_app.extensions["api_calls"]
    settings: Settings = current_app.config["SETTINGS"]
    try:
        for limit in settings.api_limits:
            if not calls.hit(limit, kind, name):
                metrics.count("saldo_rate_limited_total")
                left = calls.get_window_stats(limit, kind, name).reset_time - time.time()
                raise TooManyRequests(retry_after=max(1, math.ceil(left)))
    except StorageError as error:
        # A counter that is away must not cost anybody a debit.
        _log.warning("calls_not_counted", error=type(error).__name__)
