"""What signing in takes, for customers and staff alike: an e-mail address and a password."""

from __future__ import annotations

import re
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from billing.errors import InvalidEmail, WeakPassword

MIN_PASSWORD_CHARACTERS = 8
MAX_PASSWORD_CHARACTERS = 200
"""Longer ones would only make the server work; nobody types them."""

MAX_EMAIL_CHARACTERS = 254
"""RFC 5321's limit on an address."""

# Not RFC 5322: whoever has such an address has another too. Mail proves the rest.
_EMAIL = re.compile(
    r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f\ud800-\udfff]{1,64}@[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+"
)

hasher = PasswordHasher()
"""Argon2id with the parameters of RFC 9106's low-memory profile, which argon2-cffi keeps current."""


def read_email(text: str) -> str:
    """An address in the one form in which it is kept: trimmed, lower case. Raises `InvalidEmail`."""
    email = text.strip().lower()
    if len(email) > MAX_EMAIL_CHARACTERS or not _EMAIL.fullmatch(email):
        raise InvalidEmail()
    return email


def check_password(password: str) -> None:
    """Raises `WeakPassword` for one too short, too long, or not text."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS or not _is_text(password):
        raise WeakPassword()


def hash_password(password: str) -> str:
    """The Argon2id hash to keep. Raises `WeakPassword` as `check_password` does."""
    check_password(password)
    return hasher.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one that was hashed.

    Without a hash (nobody has that address, or no password yet) it takes as long and says no (F131).
    """
    if len(password) > MAX_PASSWORD_CHARACTERS or not _is_text(password):
        password = ""
    try:
        matches = hasher.verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


@cache
def _nobodys_hash() -> str:
    return hasher.hash("nobody has this password")


def _is_text(password: str) -> bool:
    """Whether it can be encoded: a lone surrogate cannot."""
    return not re.search("[\ud800-\udfff]", password)
