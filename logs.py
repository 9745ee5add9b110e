"""Logs: one JSON object a line on standard error, with the request's id and without secrets or personal data.

Our own lines come from `structlog.get_logger()`, other libraries' from `logging`; both go the same way.
Whoever answers a request binds its id: `structlog.contextvars.bind_contextvars(request_id=…)`.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|api_?key|signature|card", re.IGNORECASE)

_SECRETS = re.compile(
    r"""
    (?: \b (?: [rsp]k_(?:test|live|saldo) | whsec ) _ [A-Za-z0-9+/=_-]+   # keys of Stripe and of our apps
      | \b Bearer \s+ [\w.~+/=-]+
      | (?<=://) [^\s/@]* : [^\s/@]* (?=@)                               # user:password@ in an address
      | [\w.+%-]+ @ [\w-]+ (?:\.[\w-]+)+                                 # e-mail
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DIGIT_RUNS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


def _is_card_number(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed([int(d) for d in digits if d.isdigit()])):
        doubled = digit * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def redact(text: str) -> str:
    """The text without keys, webhook secrets, passwords in addresses, e-mail addresses and card numbers."""
    text = _SECRETS.sub(REDACTED, text)
    return _DIGIT_RUNS.sub(lambda run: REDACTED if _is_card_number(run[0]) else run[0], text)


def redact_event(_logger: WrappedLogger | None, _method: str, event: EventDict) -> EventDict:
    """structlog processor: redact strings, and whole values under telling names; one line each."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAMES.search(name):
        return REDACTED
    if isinstance(value, dict):
        return {str(key): _clean(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, each) for each in value]
    text = redact(str(value))
    # A traceback keeps its line breaks, which JSON writes as \n; nobody's input gets to fake one elsewhere.
    return text if name == "exception" else _CONTROLS.sub(" ", text)


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class _StderrHandler(logging.Handler):
    """Writes to whatever standard error is at that moment: test runners and daemons exchange it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


_handler = _StderrHandler()
_handler.setFormatter(
    structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact_event,
            structlog.processors.JSONRenderer(),
        ],
    )
)


def configure(level: str) -> None:
    """Send all logs of this process to standard error as JSON lines, from this level (`INFO`, …) on."""
    root = logging.getLogger()
    root.setLevel(level)
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:  # plain text, put there by another library
            root.removeHandler(handler)
    if _handler not in root.handlers:
        root.addHandler(_handler)
    for name in ("stripe", "urllib3", "sqlalchemy", "werkzeug"):
        # At INFO and below these would name addresses, parameters and whole statements.
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
