"""Every error of the pages, in words a customer can use, with the request's id for whoever they ask.

An error page never touches the database: it may be what failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import Flask, Response, g, make_response, render_template
from flask_babel import LazyString, lazy_gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from billing import errors

_log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True)
class Words:
    """What an error page says: a title, and what the reader can do."""

    title: LazyString
    text: LazyString


WORDS: dict[int, Words] = {
    400: Words(
        lazy_gettext("We did not understand that"),
        lazy_gettext("Something in the request was not as expected. Go back and try again."),
    ),
    403: Words(lazy_gettext("This is not for you"), lazy_gettext("Your account may not do this.")),
    404: Words(
        lazy_gettext("There is nothing here"),
        lazy_gettext("The page does not exist, or it belongs to somebody else."),
    ),
    405: Words(
        lazy_gettext("This does not work that way"),
        lazy_gettext("Go back and use the buttons of the page."),
    ),
    409: Words(
        lazy_gettext("Something has changed meanwhile"),
        lazy_gettext("What you asked for no longer fits the present state. Nothing was changed."),
    ),
    413: Words(lazy_gettext("That was too much at once"), lazy_gettext("What you sent is larger than we accept.")),
    429: Words(lazy_gettext("Please wait a moment"), lazy_gettext("There were too many attempts. Try again later.")),
    500: Words(
        lazy_gettext("Something went wrong on our side"),
        lazy_gettext("It has been recorded. Your credits are safe; please try again."),
    ),
    503: Words(
        lazy_gettext("We will be right back"),
        lazy_gettext("A part of the system is not available at the moment. Nothing was lost; try again soon."),
    ),
}

CSRF_WORDS = Words(
    lazy_gettext("This form is out of date"),
    lazy_gettext("Your session ended while the page was open, and nothing was changed. Open the page again."),
)
STRIPE_WORDS = Words(
    lazy_gettext("The payment provider does not answer"),
    lazy_gettext("Nothing was charged by this attempt. Please try again in a moment."),
)
UNAVAILABLE_WORDS = Words(
    lazy_gettext("This cannot be bought right now"),
    lazy_gettext("It is not ready for sale yet. Nothing was charged; please try again later."),
)
SUBSCRIBED_WORDS = Words(
    lazy_gettext("You already have this subscription"),
    lazy_gettext("You find it under “Subscriptions”, where you can also change or cancel it. Nothing was charged."),
)
PAUSED_WORDS = Words(
    lazy_gettext("No new subscriptions here"),
    lazy_gettext("This influencer takes no new subscriptions at the moment. Nothing was charged."),
)

DOMAIN: tuple[tuple[type[errors.SaldoError], int, Words | None], ...] = (
    (errors.NotFound, 404, None),
    (errors.AlreadySubscribed, 409, SUBSCRIBED_WORDS),
    (errors.InfluencerUnavailable, 409, PAUSED_WORDS),
    (errors.PriceNotSynced, 503, UNAVAILABLE_WORDS),
    (errors.StripeUnavailable, 503, STRIPE_WORDS),
    (errors.StripeRefused, 409, None),
    (errors.Conflict, 409, None),
    (errors.SaldoError, 400, None),
)
"""Domain error → status and words of the page; the first that fits, so the finer ones come first."""


def register(app: Flask) -> None:
    """Answer every error with a page; doors that speak JSON handle theirs in their own blueprints."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, lambda _error: error_page(400, CSRF_WORDS))
    app.register_error_handler(Exception, _unexpected)
    for failure in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(failure, _database_down)
    for kind, status, words in DOMAIN:
        app.register_error_handler(kind, _domain_page(status, words))


def error_page(status: int, words: Words | None = None) -> Response:
    """The page for a status; 503 asks the browser to come back soon."""
    body = render_template("web/error.html", status=status, words=words or WORDS.get(status, WORDS[400]))
    response = make_response(body, status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _domain_page(status: int, words: Words | None) -> Callable[[Exception], Response]:
    def answer(error: Exception) -> Response:
        if status == 503:
            _log.warning("unavailable", error=type(error).__name__)
        return error_page(status, words)

    return answer


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    response = error_page(error.code)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _database_down(error: Exception) -> Response:
    _log.error("database_unavailable", error=type(error).__name__)
    return error_page(503)


def _unexpected(error: Exception) -> Response:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return _database_down(error)
    original = error.original_exception if isinstance(error, InternalServerError) else error
    _log.exception("unexpected_error", exc_info=original, request_id=g.get("request_id"))
    return error_page(500)
