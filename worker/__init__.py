"""Due work: what must happen although nobody asks. It finds items and calls the same rules as the other doors."""

from __future__ import annotations

from flask import Flask

from worker.command import work


def register(app: Flask) -> None:
    """Add `flask worker`."""
    app.cli.add_command(work)
