"""Links by which an app shows a customer's balance inside its own pages: signed, for one site, for a while.

Nothing is kept of them. A link says whose balance it shows, which site may put it into a frame, and when it is
over; whoever changes any of that breaks the signature. It shows figures and can do nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from billing import clock
from billing.errors import Invalid, NotFound

ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[1-9][0-9]{0,4})?", re.ASCII)
"""A site: scheme, host and port, nothing behind it."""

DEFAULT_SECONDS = 24 * 3600
MAX_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class EmbedLink:
    """The token of a link and when it is over."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Embedded:
    """Whose balance a link shows, and on which site."""

    account_id: int
    origin: str


def make_embed_link(account_id: int, origin: str, secret_key: str, expires_in: int = DEFAULT_SECONDS) -> EmbedLink:
    """A link for this site, for so many seconds. Raises `Invalid` for what is no site."""
    if not ORIGIN.fullmatch(origin):
        raise Invalid("origin: expected a site such as https://app.example.com")
    expires_at = (clock.wall_now() + timedelta(seconds=expires_in)).replace(microsecond=0)
    token = _signer(secret_key).dumps([account_id, origin, int(expires_at.timestamp())])
    return EmbedLink(token if isinstance(token, str) else token.decode(), expires_at)


def read_embed_link(token: str, secret_key: str) -> Embedded:
    """What a link shows. Raises `NotFound` for one that is over, or that was not made here."""
    try:
        account_id, origin, expires = _signer(secret_key).loads(token)
    except (BadData, ValueError, TypeError) as error:
        raise NotFound() from error
    if clock.wall_now() >= datetime.fromtimestamp(expires, UTC):
        raise NotFound()
    return Embedded(account_id, origin)


def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="embedded balance")
