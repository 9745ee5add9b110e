"""Where a page may send its reader: to a path of our own, whatever a parameter says (F138)."""

from __future__ import annotations

import re

_LOCAL_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)")


def local_path(wished: str | None, default: str) -> str:
    """`wished` when it is a path on this site, else `default`.

    `//host`, `/\\host` and anything with a scheme, a control character or a backslash leads elsewhere in some
    browser, so only plain path characters are let through.
    """
    if wished and len(wished) <= 500 and _LOCAL_PATH.fullmatch(wished) and not wished.startswith("//"):
        return wished
    return default
