"""`POST /portal-sessions`: a link by which an app lets its customer in on the pages."""

from __future__ import annotations

from flask import Response, current_app

from api.answers import answer, time
from api.blueprint import bp
from api.body import read_body
from api.errors import InvalidFields
from api.paths import customer_at, read_customer_id
from billing import portal_sessions
from billing.stripe_gateway import InvalidReturnPath, check_return_path


@bp.post("/portal-sessions")
def create_portal_session() -> Response:
    """A link that signs the customer in, once, within five minutes; the path they go on to is one of ours (R15)."""
    body = read_body("customer", "return_path")
    public_id = read_customer_id(body)
    return_path = body.text("return_path", longest=500)
    body.check()
    if return_path is not None:
        try:
            check_return_path(return_path)
        except InvalidReturnPath as error:
            raise InvalidFields({"return_path": "expected a path on this site, such as /balance"}) from error
    session = portal_sessions.create_portal_session(customer_at(public_id).account_id, return_path)
    home = current_app.config["SETTINGS"].public_url
    return answer({"url": home + session.path, "expires_at": time(session.expires_at)}, 201)
