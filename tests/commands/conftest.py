"""Commands as an operator runs them, in the process of the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from billing.db import db

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Runs `flask …` and gives back its result."""

    def invoke(*arguments: str) -> Result:
        result = app.test_cli_runner().invoke(args=list(arguments))
        db.session.rollback()
        return result

    return invoke


def told(result: Result, exit_code: int = 0) -> Any:
    """The JSON that a command wrote."""
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout.splitlines()[-1])  # before it may stand what was logged
