"""Addresses of Stripe's pages that customers are sent to: read from its answers, and checked before anybody goes."""

from __future__ import annotations

from urllib.parse import urlsplit

from billing.stripe_facts import Malformed

STRIPES_DOMAIN = "stripe.com"


def check_hosted_page(address: str | None, api_base: str | None) -> str | None:
    """The address, if there is one; raises `Malformed` where it leads elsewhere than to Stripe (F138).

    That is https at Stripe's own hosts, or the origin of a stand-in where one takes Stripe's place.
    """
    if address is None:
        return None
    # Browsers drop tabs and take a backslash for a slash: what they would read otherwise than we do goes nowhere.
    if not address.isascii() or not address.isprintable() or any(char in address for char in ' \\"<>'):
        raise Malformed("an address with characters that no address has")
    scheme, host = _origin(address)
    if api_base is not None and (scheme, host) == _origin(api_base):
        return address
    if scheme != "https" or not f".{host}".endswith(f".{STRIPES_DOMAIN}") or "@" in host:
        raise Malformed("an address that is not Stripe's")
    return address


def _origin(address: str) -> tuple[str, str]:
    """Scheme and host, with the name and the port before and after it, if there are any."""
    try:
        parts = urlsplit(address)
    except ValueError:
        raise Malformed("an address that is none") from None
    return parts.scheme, parts.netloc
