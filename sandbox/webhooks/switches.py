"""Switches that make deliveries behave as badly as the real network may."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class Switches:
    """How the next deliveries go. The default is: each once, in order, at once."""

    off: bool = False
    """Send nothing; events stay undelivered and can be sent again later."""
    drop: int = 0
    """Lose this many deliveries (-1: all of them)."""
    duplicate: bool = False
    """Send every event twice."""
    reorder: bool = False
    """Send events in random order within ``window_seconds``."""
    window_seconds: float = 0.3
    delay_seconds: float = 0.0

    def set(self, changes: dict[str, Any]) -> None:
        """Change some switches. Raises ``ValueError`` for an unknown name or a wrong type."""
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"switches are {', '.join(known)}")
            wanted = known[name]
            fits = isinstance(value, bool) if wanted is bool else isinstance(value, int | float)
            if not fits or (wanted is not bool and isinstance(value, bool)):
                raise ValueError(f"{name} is a {wanted.__name__}")
        for name, value in changes.items():
            setattr(self, name, known[name](value))

    def lose_one(self) -> bool:
        """Whether the delivery now at hand is to be lost; counts ``drop`` down."""
        if self.off or self.drop < 0:
            return True
        if self.drop > 0:
            self.drop -= 1
            return True
        return False

    def wait_seconds(self) -> float:
        """How long a delivery queued now has to wait."""
        shuffle = random.uniform(0, self.window_seconds) if self.reorder else 0.0  # noqa: S311 - no secret
        return self.delay_seconds + shuffle
