"""`Idempotency-Key`: calls that move something do it once, however often they are sent (CONTRACT 3)."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable

from flask import Response, g, request

from api import errors
from api.body import read_fields
from api.errors import IdempotencyKeyMissing, InvalidFields, Malformed
from billing import replies
from billing.errors import NotFound
from billing.replies import Answer, Asked

_KEY = re.compile(r"[!-~]{1,255}")
_PATH = re.compile(r"[!-~]{1,180}")
"""No id of ours makes a path longer than this."""
_spell_out = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=repr).encode

_View = Callable[..., Response]


def idempotent(*, calls_stripe: bool = False, for_ever: bool = False) -> Callable[[_View], _View]:
    """Let a call require a key and happen once for it.

    A call that only touches the database runs in one transaction with its answer; one that `calls_stripe`
    leases its key instead. Answers of debits and credits are kept `for_ever`.
    """
    once = replies.once_beyond_the_database if calls_stripe else replies.once

    def wrap(view: _View) -> _View:
        @functools.wraps(view)
        def answer_once(**path: str) -> Response:
            fresh: list[Response] = []

            def note(response: Response) -> Answer:
                fresh.append(response)
                return Answer(response.status_code, response.get_data(as_text=True))

            answer = once(
                _read_request(for_ever),
                lambda: note(view(**path)),
                lambda error: note(errors.problem_of(error)),
            )
            return _replay(answer) if answer.replayed else fresh[-1]

        return answer_once

    return wrap


def key_digest() -> str:
    """32 characters that stand for this app and key: what business keys are made of (R6)."""
    named = f"{g.api_key.app}\0{request.headers['Idempotency-Key']}"
    return hashlib.blake2b(named.encode(), digest_size=16).hexdigest()


def _read_request(for_ever: bool) -> Asked:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise IdempotencyKeyMissing()
    if not _KEY.fullmatch(key):
        raise InvalidFields({"Idempotency-Key": "expected 1 to 255 visible ASCII characters"})
    if not _PATH.fullmatch(request.path):
        raise NotFound()
    return Asked(g.api_key.app, f"{request.method} {request.path}", key, _hash_of_body(), for_ever)


def _hash_of_body() -> bytes:
    """Of what the body says: order of fields and spaces make no other request."""
    try:
        said = _spell_out(read_fields())
    except RecursionError:
        raise Malformed() from None
    return hashlib.sha256(said.encode()).digest()


def _replay(answer: Answer) -> Response:
    kind = "application/problem+json" if answer.status >= 400 else "application/json"
    return Response(answer.body, answer.status, {"Idempotent-Replayed": "true"}, mimetype=kind)
