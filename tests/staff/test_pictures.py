"""`/staff/influencers` and the pictures that customers see: judged by content, served as what they are."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from billing import pictures
from tests.staff.conftest import Desk, audit_rows, hire, text_of
from tests.web.conftest import Visitor


def png(width: int = 100, height: int = 100, padding: int = 0) -> bytes:
    """A grey PNG, with so many bytes of comment."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            chunk(b"tEXt", b"Comment\0" + b"x" * padding),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )


JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + b"\0" * 9 + b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 90, 120) + b"\1\1\x11"
)
LOSSY = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 120, 90)
LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + (119 | 89 << 14).to_bytes(4, "little") + b"\0" * 5
EXTENDED = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0" + (119).to_bytes(3, "little") + (89).to_bytes(3, "little")


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """The catalog that Saldo comes with: it names two influencers."""
    return {name: value for name, value in environ.items() if name != "CATALOG"}


@pytest.fixture
def manager(app: Flask) -> Desk:
    return hire(app, "mia@example.com", "manager")


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who looks at the customers' pages."""
    return Visitor(app.test_client())


def upload(desk: Desk, content: bytes, influencer: str = "luna-style", name: str = "luna.png") -> TestResponse:
    return desk.send(f"/staff/influencers/{influencer}/picture", picture=(io.BytesIO(content), name))  # type: ignore[arg-type]


def address_on(page: TestResponse) -> str:
    """The address of the only picture of a page."""
    return page.text.split('<img class="portrait', 1)[1].split('src="', 1)[1].split('"', 1)[0]


def test_upload_shows_the_picture_to_everybody(manager: Desk, visitor: Visitor) -> None:
    assert 'aria-hidden="true">LS</span>' in visitor.see("/influencers/luna-style").text
    assert upload(manager, png()).status_code == 303
    address = address_on(visitor.see("/influencers/luna-style"))
    assert address == address_on(visitor.see("/influencers"))
    answer = visitor.see(address)
    assert (answer.status_code, answer.data) == (200, png())
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert audit_rows()[-1] == (manager.staff.actor, "picture.store", True)


def test_upload_gives_apps_the_address(manager: Desk, visitor: Visitor) -> None:
    upload(manager, png())
    luna, nico = visitor.see("/api/v1/influencers").json["data"]  # type: ignore[index]
    assert luna["picture_url"] == "http://127.0.0.1:8000" + address_on(visitor.see("/influencers"))
    assert nico["picture_url"] is None


def test_upload_replaces_the_picture_under_a_new_address(manager: Desk, visitor: Visitor) -> None:
    upload(manager, png())
    first = address_on(visitor.see("/influencers"))
    upload(manager, JPEG)
    second = address_on(visitor.see("/influencers"))
    assert first != second
    assert visitor.see(second).headers["Content-Type"] == "image/jpeg"
    stale = visitor.see(first)
    assert stale.data == JPEG
    assert stale.headers["Cache-Control"] == "no-cache"
    assert visitor.see(second, **{"If-None-Match": stale.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file first"),
        (b"<script>alert(1)</script>", "no PNG, JPEG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "no PNG, JPEG or WebP"),
        (b"GIF89a" + b"\0" * 100, "no PNG, JPEG or WebP"),
        (b"\x89PNG\r\n\x1a\n", "no PNG, JPEG or WebP"),
        (b"\xff\xd8\xff\xe0\x00\x00", "no PNG, JPEG or WebP"),
        (b"\xff\xd8\xff" * 40, "no PNG, JPEG or WebP"),
        (b"RIFF\0\0\0\0WEBPVP9 " + b"\0" * 30, "no PNG, JPEG or WebP"),
        (png(63, 100), "64 to 4096 pixels"),
        (png(4097, 64), "64 to 4096 pixels"),
        (png(padding=pictures.MAX_BYTES), "larger than 200 KB"),
    ],
)
def test_upload_refuses_what_is_no_picture_whatever_its_name(manager: Desk, content: bytes, said: str) -> None:
    answer = upload(manager, content)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert pictures.list_versions() == {}


@pytest.mark.parametrize(
    ("content", "kind"),
    [(JPEG, "image/jpeg"), (LOSSY, "image/webp"), (LOSSLESS, "image/webp"), (EXTENDED, "image/webp")],
)
def test_read_format_finds_kind_and_size_in_the_content(content: bytes, kind: str) -> None:
    assert pictures.read_format(content) == pictures.Format(kind, 120, 90)


def test_remove_leads_back_to_initials(manager: Desk, visitor: Visitor) -> None:
    upload(manager, png())
    assert manager.send("/staff/influencers/luna-style/picture/remove").status_code == 303
    assert "<img" not in visitor.see("/influencers").text
    assert visitor.see("/influencers/luna-style/picture").status_code == 404


def test_upload_needs_the_right_to_it_and_leaves_a_trace(desk: Desk, visitor: Visitor) -> None:
    assert "Use this picture" not in text_of(desk.see("/staff/influencers"))
    assert upload(desk, png()).status_code == 403
    assert visitor.see("/influencers/luna-style/picture").status_code == 404
    assert audit_rows()[-1][1:] == ("set_picture", False)


def test_upload_for_nobody_is_404(manager: Desk) -> None:
    assert upload(manager, png(), influencer="nobody").status_code == 404
    assert pictures.list_versions() == {}
