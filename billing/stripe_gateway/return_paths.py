"""Paths of ours that Stripe's pages send customers back to; the gateway puts `PUBLIC_URL` before them (R15)."""

from __future__ import annotations

from billing.errors import SaldoError
from billing.stripe_facts.fields import is_storable

MAX_RETURN_PATH = 500


class InvalidReturnPath(SaldoError):
    """The path to come back to is not a plain path of this site (F138)."""

    code = "invalid"
    message = "The return path must be a path on this site."


def check_return_path(path: str) -> None:
    """Raises `InvalidReturnPath` for anything a browser could take for another site's address."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path
    if not plain or len(path) > MAX_RETURN_PATH or not is_storable(path) or not path.isprintable():
        raise InvalidReturnPath()
