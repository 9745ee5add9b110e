"""The hosted payment page of a Checkout Session."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from sandbox.checkout import paying
from sandbox.checkout.amounts import enter_code
from sandbox.protocol.errors import StripeFailure
from sandbox.store import Obj
from sandbox.world import World

_PLACEHOLDERS = ("{CHECKOUT_SESSION_ID}", "%7BCHECKOUT_SESSION_ID%7D", "%7bCHECKOUT_SESSION_ID%7d")


def success_url(session: Obj) -> str:
    """Where the customer goes after paying, with the session's id filled in."""
    url: str = session["success_url"]
    for placeholder in _PLACEHOLDERS:
        url = url.replace(placeholder, session["id"])
    return url


def register(pages: Blueprint, world: World) -> None:
    """``/c/pay/<session>`` and what its buttons post to."""

    def page(session: Obj, message: str | None = None, status: int = 200) -> tuple[str, int]:
        if session["status"] != "open":
            closed = {
                "complete": ("Already paid", "This payment page has been completed.", success_url(session)),
                "expired": ("Expired", "This payment page is no longer valid.", session["cancel_url"]),
            }
            title, text, link = closed[session["status"]]
            return render_template(
                "notice.html", title=title, message=text, link=link, link_text="Back to the shop"
            ), 200
        items = [world.need("item", key) for key in session["_line_items"]]
        lines = [{**item, "price": world.need("price", item["_price"])} for item in items]
        customer = world.store.get("customer", session["customer"] or "")
        email = customer["email"] if customer else session["customer_email"]
        data = {"session": session, "lines": lines, "email": email, "message": message}
        return render_template("pay.html", **data, trial=_trial(session)), status

    @pages.get("/c/pay/<session_id>")
    def pay_page(session_id: str) -> Any:
        with world.turn():
            return page(world.need("checkout.session", session_id))

    @pages.post("/c/pay/<session_id>")
    def pay_now(session_id: str) -> Any:
        way = request.form.get("with", "card")
        if way == "3ds" and request.form.get("step") != "challenge":
            return redirect(url_for("pages.pay_challenge", session_id=session_id), 303)
        with world.turn():
            session = world.need("checkout.session", session_id)
            try:
                message = paying.pay(world, session, way)
            except StripeFailure as failure:
                if session["status"] != "open":
                    return page(session)
                message = str(failure)
            if message is not None:
                return page(session, message, 402)
            return redirect(success_url(session), 303)

    @pages.get("/c/pay/<session_id>/3ds")
    def pay_challenge(session_id: str) -> Any:
        with world.turn():
            session = world.need("checkout.session", session_id)
            if session["status"] != "open":
                return page(session)
            action = url_for("pages.pay_now", session_id=session_id)
            return render_template(
                "challenge.html",
                action=action,
                amount=session["amount_total"],
                currency=session["currency"],
                confirm=("with", "3ds"),
                fail=("with", "3ds_fail"),
            )

    @pages.post("/c/pay/<session_id>/promotion")
    def pay_promotion(session_id: str) -> Any:
        with world.turn():
            session = world.need("checkout.session", session_id)
            try:
                enter_code(world, session, request.form.get("promotion_code", ""))
            except StripeFailure as failure:
                return page(session, str(failure), 400)
        return redirect(url_for("pages.pay_page", session_id=session_id), 303)


def _trial(session: Obj) -> bool:
    return bool(session["_trial"])
