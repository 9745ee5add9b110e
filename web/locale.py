"""In which language and colours a page is shown: the reader's choice first, then what their browser asks for."""

from __future__ import annotations

from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, lazy_gettext
from flask_login import current_user
from wtforms.fields import SelectChoice

from config import Settings

LANGUAGES = {"en": "English", "es": "Español", "es_MX": "Español (México)"}
"""Locale → its own name. `es` and `es_MX` share their words and differ in how numbers and money are written."""

LANGUAGE_CHOICES = [SelectChoice(locale, name) for locale, name in LANGUAGES.items()]
"""The languages for a form's list."""

THEMES = {"auto": lazy_gettext("Auto"), "light": lazy_gettext("Light"), "dark": lazy_gettext("Dark")}

COOKIE_SECONDS = 365 * 24 * 3600


def register(app: Flask) -> None:
    """Set up translations and give templates `page_locale`, `page_theme` and what can be chosen."""
    settings: Settings = app.config["SETTINGS"]
    app.config["BABEL_DEFAULT_LOCALE"] = settings.default_locale
    Babel(app, locale_selector=page_locale)

    @app.context_processor
    def choices() -> dict[str, object]:
        return {
            "page_locale": page_locale(),
            "page_theme": page_theme(),
            "languages": LANGUAGES,
            "themes": THEMES,
            "here": request.full_path.removesuffix("?") if request.method == "GET" else "/",
        }


def page_locale() -> str:
    """The locale of this page: cookie, the customer's setting, the browser's wish, the installation's default."""
    settings: Settings = current_app.config["SETTINGS"]
    if not has_request_context():
        return settings.default_locale
    if "page_locale" not in g:
        g.page_locale = _choose() or settings.default_locale
    chosen: str = g.page_locale
    return chosen


def page_theme() -> str:
    """`light`, `dark`, or `auto` for what the reader's system prefers."""
    theme = request.cookies.get("theme", "auto")
    return theme if theme in THEMES else "auto"


def _choose() -> str | None:
    cookie = request.cookies.get("locale")
    if cookie in LANGUAGES:
        return cookie
    # Never load a customer for this alone: an error page must not need the database.
    if "_login_user" in g and current_user.is_authenticated and current_user.locale in LANGUAGES:
        return str(current_user.locale)
    for wished, _quality in request.accept_languages:
        locale = wished.replace("-", "_")
        language, _, region = locale.partition("_")
        if language.lower() == "es":
            return "es" if region.upper() in ("", "ES") else "es_MX"
        if language.lower() == "en":
            return "en"
    return None
