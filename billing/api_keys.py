"""API keys: a secret that an app shows to be let in. Only its hash is kept, so it is shown once (F137).

A key that was just looked up is remembered for half a second, so that what is revoked stops within it on every worker,
and at once where it was revoked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import structlog
from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.exc import DBAPIError

from billing import audit_log, clock
from billing.db import connection, transaction
from billing.errors import Invalid, NotFound
from billing.ids import new_id
from billing.models import ApiKey
from billing.remembered import Remembered
from billing.statements import Statement, read

SCOPES = ("credits:read", "credits:spend", "refunds:write", "billing:write")
"""What a key may be allowed to do; CONTRACT 3 says which call needs which."""

ROTATION_GRACE = timedelta(hours=24)
"""How long an app's old keys still work after a new one was made, so that nobody is cut off meanwhile."""

USE_NOTED_EVERY = timedelta(minutes=10)
"""How exact `last_used_at` is: writing it at each request would make every read a write."""

REMEMBERED_SECONDS = 0.5
"""How long an answered look for a key holds: busy apps ask hundreds of times in it."""

_log = structlog.get_logger(__name__)

_BY_HASH = Statement(select(ApiKey.__table__).where(ApiKey.key_hash == bindparam("key_hash")))
_PREFIX = "sk_saldo_"
_APP = re.compile(r"[a-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class ApiKeyView:
    """A key without its secret. It works until `revoked_at`, which may lie ahead."""

    id: str
    app: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def works_at(self, at: datetime) -> bool:
        """Whether the key lets anybody in at that time (of `clock.wall_now()`)."""
        return self.revoked_at is None or at < self.revoked_at


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key together with its secret, which can't be read again."""

    key: ApiKeyView
    secret: str


_known: Remembered[str, ApiKeyView] = Remembered(REMEMBERED_SECONDS)


def create_key(app: str, scopes: Collection[str], *, actor: str = "operator") -> IssuedKey:
    """A new key for an app, written down as `actor`'s act.

    Raises `Invalid` for a name or scope that is not allowed.
    """
    if not _APP.fullmatch(app):
        raise Invalid("app: 1 to 64 of the characters a-z 0-9 . _ -")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid(f"scopes: one or more of {', '.join(SCOPES)}")
    with transaction():
        issued = _issue(app, scopes)
        _write_down("key.create", issued.key, actor)
    return issued


def rotate_key(app: str, *, actor: str = "operator") -> IssuedKey:
    """A new key with all that the app's keys may do; those stop after `ROTATION_GRACE`.

    Raises `NotFound` when the app has no key that works.
    """
    now = clock.wall_now()
    with transaction() as connection:
        alive = [key for key in list_keys() if key.app == app and key.works_at(now)]
        if not alive:
            raise NotFound(f"{app} has no key that works")
        issued = _issue(app, {scope for key in alive for scope in key.scopes})
        connection.execute(
            update(ApiKey)
            .where(ApiKey.id.in_([key.id for key in alive]), ApiKey.revoked_at.is_(None))
            .values(revoked_at=now + ROTATION_GRACE)
        )
        _write_down("key.rotate", issued.key, actor)
    _known.forget()
    return issued


def revoke_key(key_id: str, *, actor: str = "operator") -> ApiKeyView:
    """End a key at once; one that has ended stays as it is. Raises `NotFound`."""
    now = clock.wall_now()
    with transaction() as connection:
        ended = connection.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id, or_(ApiKey.revoked_at.is_(None), ApiKey.revoked_at > now))
            .values(revoked_at=now)
        )
        key = _get(key_id)
        if ended.rowcount:
            _write_down("key.revoke", key, actor)
    _known.forget()
    return key


def list_keys() -> list[ApiKeyView]:
    """Every key that was ever made, by app, the newest first."""
    query = select(ApiKey.__table__).order_by(ApiKey.app, ApiKey.created_at.desc(), ApiKey.id.desc())
    return [_view(row) for row in connection().execute(query)]


def authenticate(secret: str) -> ApiKeyView | None:
    """The key that this secret opens, if there is one that still works."""
    hashed = _hash(secret)
    now = clock.wall_now()
    known = _known.get(hashed)
    if known is not None:
        return known if known.works_at(now) else None
    found = read(connection(), _BY_HASH, key_hash=hashed)
    if not found or not hmac.compare_digest(found[0]["key_hash"], hashed):
        return None
    key = _view(SimpleNamespace(**found[0]))
    if not key.works_at(now):
        return None
    _known.put(hashed, key)
    if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
        _note_use(key.id, now)
    return key


def _note_use(key_id: str, now: datetime) -> None:
    """Of many requests at once one writes. A database that only reads at the moment still lets the app in."""
    noted = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - USE_NOTED_EVERY)
    try:
        with transaction() as connection:
            connection.execute(update(ApiKey).where(ApiKey.id == key_id, noted).values(last_used_at=now))
    except DBAPIError as error:
        _log.warning("key_use_not_noted", key=key_id, error=type(error).__name__)


def _issue(app: str, scopes: Collection[str]) -> IssuedKey:
    key_id = new_id("key")
    secret = _PREFIX + secrets.token_urlsafe(32)
    row = {
        "id": key_id,
        "app": app,
        "key_hash": _hash(secret),
        "scopes": " ".join(scope for scope in SCOPES if scope in scopes),
        "created_at": clock.wall_now(),
    }
    connection().execute(insert(ApiKey), row)
    return IssuedKey(_get(key_id), secret)


def _write_down(act: str, key: ApiKeyView, actor: str) -> None:
    audit_log.record(act, actor=actor, subject=key.id, detail={"app": key.app, "scopes": " ".join(key.scopes)})


def _hash(secret: str) -> str:
    # A plain hash is enough: the secret has 256 random bits, so there is nothing to guess.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _get(key_id: str) -> ApiKeyView:
    row = connection().execute(select(ApiKey.__table__).where(ApiKey.id == key_id)).first()
    if row is None:
        raise NotFound()
    return _view(row)


def _view(row: Any) -> ApiKeyView:
    return ApiKeyView(row.id, row.app, tuple(row.scopes.split()), row.created_at, row.last_used_at, row.revoked_at)
