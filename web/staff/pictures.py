"""`/staff/influencers`: who they are, and their pictures."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from billing import influencers, pictures, staff_accounts
from billing.errors import InvalidPicture
from web.pictures import picture_urls
from web.staff.blueprint import bp
from web.staff.session import signed_in


@bp.get("/influencers")
def list_influencers() -> ResponseReturnValue:
    """Everybody of the catalog with their picture, and the way to change it."""
    return _page()


@bp.post("/influencers/<influencer>/picture")
def upload_picture(influencer: str) -> ResponseReturnValue:
    """Keep the uploaded file as the influencer's picture, if its content is one."""
    staff = signed_in()
    known = influencers.find(influencer)
    staff_accounts.require(staff, "set_picture", subject=known.id)
    file = request.files.get("picture")
    content = file.stream.read(pictures.MAX_BYTES + 1) if file else b""
    if not content:
        return _page(known.id, gettext("Choose a file first")), 422
    try:
        pictures.store_picture(known.id, content, actor=staff.actor)
    except InvalidPicture as error:
        return _page(known.id, _what_is_wrong(error.problem)), 422
    flash(gettext("The picture is shown from now on."), "success")
    return redirect(url_for("staff.list_influencers"), 303)


@bp.post("/influencers/<influencer>/picture/remove")
def remove_picture(influencer: str) -> ResponseReturnValue:
    """Show initials again."""
    staff = signed_in()
    known = influencers.find(influencer)
    staff_accounts.require(staff, "set_picture", subject=known.id)
    pictures.remove_picture(known.id, actor=staff.actor)
    flash(gettext("The picture is gone; initials are shown in its place."), "success")
    return redirect(url_for("staff.list_influencers"), 303)


def _what_is_wrong(problem: str) -> str:
    words = {
        "too_large": gettext("The file is larger than %(size)s KB", size=pictures.MAX_BYTES // 1024),
        "type": gettext("The file is no PNG, JPEG or WebP picture, whatever its name says"),
        "pixels": gettext(
            "The picture must be %(low)s to %(high)s pixels wide and high",
            low=pictures.MIN_PIXELS,
            high=pictures.MAX_PIXELS,
        ),
    }
    return words[problem]


def _page(wrong: str | None = None, problem: str | None = None) -> str:
    return render_template(
        "staff/influencers.html",
        influencers=influencers.known().influencers.values(),
        pictures=picture_urls(),
        max_kilobytes=pictures.MAX_BYTES // 1024,
        may_set=signed_in().may("set_picture"),
        wrong=wrong,
        problem=problem,
    )
