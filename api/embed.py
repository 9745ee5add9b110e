"""`POST /embed-links`: the address of a frame in which an app shows a customer's balance."""

from __future__ import annotations

from flask import Response, current_app

from api.answers import answer, time
from api.blueprint import bp
from api.body import read_body
from api.errors import InvalidFields
from api.paths import customer_at, read_customer_id
from billing import embed_links
from billing.errors import Invalid

MIN_SECONDS = 60


@bp.post("/embed-links")
def create_embed_link() -> Response:
    """A link that shows the customer's balance on the site named, for a day or as long as asked."""
    body = read_body("customer", "origin", "expires_in")
    public_id = read_customer_id(body)
    origin = body.text("origin", required=True, pattern=embed_links.ORIGIN) or ""
    expires_in = body.count("expires_in", least=MIN_SECONDS, most=embed_links.MAX_SECONDS)
    body.check()
    settings = current_app.config["SETTINGS"]
    try:
        link = embed_links.make_embed_link(
            customer_at(public_id).account_id,
            origin,
            settings.secret_key.get_secret_value(),
            expires_in or embed_links.DEFAULT_SECONDS,
        )
    except Invalid as error:
        raise InvalidFields({"origin": "expected a site such as https://app.example.com"}) from error
    return answer(
        {"url": f"{settings.public_url}/embed/balance?token={link.token}", "expires_at": time(link.expires_at)}, 201
    )
