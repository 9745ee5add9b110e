"""What every command has in common: exact JSON, one line for a failure, and exit codes 0, 1 and 2 (CONTRACT 2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, NoReturn, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from billing import clock, money
from billing.errors import SaldoError

FINDING = 1
"""Exit code: it went well and found something."""

COULD_NOT = 2
"""Exit code: it could not do what was asked."""

_Command = TypeVar("_Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")


class Moment(click.ParamType):
    """A day or an RFC 3339 time; without a zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware time that the words stand for."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-11-24 or 2026-11-24T12:00:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def write_json(value: object) -> None:
    """One line of JSON on standard output; numbers are exact."""
    click.echo(money.dumps(value))


def credits(micro: int) -> object:
    """Micro-credits as a JSON number of credits."""
    return money.credits_to_json(micro)


def time(at: datetime | None) -> str | None:
    """A time as RFC 3339 in UTC, or null."""
    return None if at is None else clock.to_rfc3339(at)


def could_not(message: str, as_json: bool = False) -> NoReturn:
    """Say why it cannot be done, for people on standard error, and exit with 2."""
    if as_json:
        write_json({"error": message})
    else:
        click.echo(f"could not: {message}", err=True)
    raise SystemExit(COULD_NOT)


def explains(command: _Command) -> _Command:
    """Let a command that has `as_json` end with a sentence and exit code 2 where a rule or the database refuses."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SaldoError as error:
            could_not(str(error), kwargs["as_json"])
        except DBAPIError as error:
            # The text of the statement stays out: it would show people's data on a screen.
            message = f"the database refused: {type(error.orig).__name__}; is the schema current?"
            could_not(message, kwargs["as_json"])

    return run  # type: ignore[return-value]
