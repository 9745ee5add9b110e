"""The pages: hosted payment page, hosted invoice, customer portal, dashboard. Plain HTML, no script."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, render_template, request

from sandbox.money import shown
from sandbox.pages import dashboard, invoice, pay, portal
from sandbox.protocol.errors import StripeFailure
from sandbox.settings import is_loopback
from sandbox.world import World


def blueprint(world: World) -> Blueprint:
    """All pages."""
    pages = Blueprint("pages", __name__)
    for module in (dashboard, invoice, pay, portal):
        module.register(pages, world)

    @pages.before_request
    def refuse_foreign_forms() -> None:
        """A web page from elsewhere must not press the sandbox's buttons."""
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin and not is_loopback(urlsplit(origin).hostname or ""):
            abort(403, "Forms are taken from this machine only.")

    @pages.after_request
    def lock_down(response: Response) -> Response:
        # No form-action: after the POST the browser is redirected to the shop, on another port.
        policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        response.headers["Content-Security-Policy"] = policy
        # "no-referrer" would make a browser send `Origin: null` with our own forms.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    @pages.errorhandler(StripeFailure)
    def explain(failure: StripeFailure) -> tuple[str, int]:
        return render_template("notice.html", title="That did not work", message=str(failure)), failure.status

    @pages.app_template_filter("money")
    def money(amount: int, currency: str) -> str:
        return shown(amount, currency)

    @pages.app_template_filter("moment")
    def moment(at: int | None) -> str:
        return "—" if at is None else datetime.fromtimestamp(at, UTC).strftime("%d %b %Y %H:%M UTC")

    @pages.app_template_filter("day")
    def day(at: int | None) -> str:
        return "—" if at is None else datetime.fromtimestamp(at, UTC).strftime("%d %b %Y")

    return pages
