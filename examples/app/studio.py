"""A small studio that sells pictures and voices for credits: press, see the price, be warned, run, get the receipt.

pip install flask ./clients/python
SALDO_URL=http://127.0.0.1:8000 SALDO_KEY=sk_saldo_… flask --app examples/app/studio.py run --port 5000
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from decimal import Decimal

from flask import Flask, abort, redirect, render_template, request, session, url_for
from saldo import Hold, JobFailed, Refused, Saldo, SaldoError, Unavailable
from werkzeug.wrappers import Response

LOW = 20
"""Credits: who would have fewer afterwards is warned."""

SECONDS_PER_LETTER = 0.08


@dataclass(frozen=True)
class Work:
    """Something that the studio does: an action of Saldo's catalog, and whether it is paid by the second."""

    action: str
    name: str
    by_second: bool = False

    def size(self, text: str) -> dict[str, int]:
        """What the price depends on, estimated from the text."""
        return {"units": max(1, round(len(text) * SECONDS_PER_LETTER))} if self.by_second else {}


WORKS = {work.action: work for work in (Work("text-to-image", "A picture"), Work("audio", "A voice", by_second=True))}


def in_words(credits: Decimal) -> str:
    """`1 credit`, `5 credits`, `0.5 credits`."""
    return f"{credits} credit" if credits == 1 else f"{credits} credits"


def create_app(credits: Saldo) -> Flask:
    """The studio, in front of this Saldo."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(), SESSION_COOKIE_SAMESITE="Lax")
    app.add_template_filter(in_words, "credits")

    @app.get("/")
    def start() -> str:
        return render_template("start.html", works=WORKS.values(), balance=credits.balance(customer()))

    @app.post("/confirm")
    def confirm() -> str:
        """The price, before anything runs; and a warning when little would be left."""
        work, text = wish()
        quote = credits.quote(customer(), work.action, **work.size(text))
        return render_template(
            "confirm.html",
            work=work,
            text=text,
            quote=quote,
            job=secrets.token_hex(8),
            left=quote.available - quote.amount,
            low=LOW,
        )

    @app.post("/run")
    def run() -> Response:
        """The job under a hold. Sent twice, it has the same key, and is charged once."""
        work, text = wish()
        job = job_id(request.form.get("job", ""))
        order = {"reference": job, "quote": request.form.get("quote") or None, "description": text[:100]}
        try:
            with credits.hold(
                customer(),
                work.action,
                key=f"{customer()}:{job}",
                **work.size(text),
                **{name: value for name, value in order.items() if value is not None},  # type: ignore[typeddict-item]
            ) as hold:
                do(work, text, hold)
        except JobFailed as failure:
            session["said"] = f"That did not work ({failure.reason})."
        return redirect(url_for("receipt", job=job), 303)

    @app.get("/receipts/<job>")
    def receipt(job: str) -> str:
        """What the job cost, from Saldo's own books."""
        page = credits.entries(customer(), reference=job_id(job))
        return render_template("receipt.html", entries=page.entries, said=session.pop("said", None))

    @app.errorhandler(Refused)
    def refused(no: Refused) -> tuple[str, int]:
        """Not enough credits, a limit, a missing subscription: what it is, and the way out."""
        return render_template("refused.html", no=no), no.status

    @app.errorhandler(SaldoError)
    def failed(error: SaldoError) -> tuple[str, int]:
        away = isinstance(error, Unavailable)
        return render_template("failed.html", away=away), 503 if away else 500

    def customer() -> str:
        """Who is here. A real app has its own sign-in; here each visitor is somebody new."""
        if "customer" not in session:
            session["customer"] = f"visitor-{secrets.token_hex(6)}"
            credits.ensure_customer(session["customer"])
        return str(session["customer"])

    return app


def wish() -> tuple[Work, str]:
    """What the visitor wants; the price is never theirs to say."""
    work, text = WORKS.get(request.form.get("action", "")), request.form.get("text", "").strip()
    if work is None or not 1 <= len(text) <= 500:
        abort(400)
    return work, text


def job_id(text: str) -> str:
    """The id of a job, which is also the reference of its receipt."""
    return text if re.fullmatch(r"[0-9a-f]{16}", text) else abort(404)


def do(work: Work, text: str, hold: Hold) -> None:
    """The work, of which there is none: some words are refused, some are too much for the machine."""
    if "forbidden" in text:
        raise JobFailed("moderation")
    if "broken" in text:
        raise JobFailed("provider_error")
    if work.by_second:
        spoken = len(text.split())  # a second for each word; the estimate was by letters
        hold.capture(units=max(1, min(spoken, work.size(text)["units"])))


if "SALDO_URL" in os.environ:
    app = create_app(Saldo(os.environ["SALDO_URL"], os.environ["SALDO_KEY"]))
