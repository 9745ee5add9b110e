"""What a route is: a method, a path, the SDK's parameter class, and the function that answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.protocol.errors import unsupported

Handler = Callable[..., Any]
"""``handler(world, params, **path)``; returns a stored object, a Page, or a finished wire dict."""


@dataclass(frozen=True)
class Route:
    """One operation of the API.

    ``supports`` names the parameters that have an effect here. Any other parameter that the real API takes is
    refused loudly: a silent difference would be worse than an error.
    """

    method: str
    path: str
    params: type | None
    handler: Handler
    supports: frozenset[str] | None = None

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path's values, or ``None`` when this is another operation."""
        if method != self.method:
            return None
        pattern = "^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path) + "$"
        found = re.match(pattern, path)
        return None if found is None else found.groupdict()

    def require_support(self, params: dict[str, Any]) -> None:
        """Raises 400 ``sandbox_unsupported`` for a parameter that the sandbox would have to ignore."""
        if self.supports is not None:
            for name in params:
                if name != "expand" and name not in self.supports:
                    raise unsupported(f"the parameter '{name}' of {self.method} {self.path}", param=name)


def supports(words: str) -> frozenset[str]:
    """Parameter names, written as one string."""
    return frozenset(words.split())
