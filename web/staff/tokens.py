"""One-time tokens of forms that move money or credits: sending such a form twice does its act once (F080)."""

from __future__ import annotations

import secrets

FORM_TOKEN = r"[A-Za-z0-9_-]{32}\Z"  # noqa: S105 (no secret, a pattern)
"""What a token looks like."""


def new_form_token() -> str:
    """A token for one form that is about to be shown."""
    return secrets.token_urlsafe(24)
