"""`/influencers/<id>/picture`: an influencer's picture as staff have uploaded it, and where pages find it."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from billing import pictures
from billing.errors import NotFound

bp = Blueprint("pictures", __name__)

YEAR_SECONDS = 365 * 24 * 3600


@bp.get("/influencers/<influencer>/picture")
def show(influencer: str) -> Response:
    """The picture, for ever under an address that names its version; nothing in it may load or run."""
    picture = pictures.read_picture(influencer)
    if picture is None:
        raise NotFound()
    response = Response(picture.content, content_type=picture.content_type)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = "inline"
    response.set_etag(picture.digest)
    if request.args.get("v") == picture.version:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)


def picture_urls() -> dict[str, str]:
    """Influencer → address of their picture, of all who have one."""
    return {
        influencer: url_for("pictures.show", influencer=influencer, v=version)
        for influencer, version in pictures.list_versions().items()
    }
