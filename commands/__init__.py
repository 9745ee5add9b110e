"""Door 5: `flask …`, for operators. Commands translate and never decide."""

from __future__ import annotations

from flask import Flask

from commands import catalog, config, credits, customers, keys, ledger, sandbox, seed, staff, stripe

ROOMS = (credits, customers, ledger, catalog, keys, staff, stripe, sandbox, config)


def register(app: Flask) -> None:
    """Add every command."""
    for room in ROOMS:
        app.cli.add_command(room.group)
    app.cli.add_command(seed.seed)
