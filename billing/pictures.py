"""Pictures of influencers: what is taken in, and what is served.

A file is judged by its content, never by its name or by what a browser says it is, and only three kinds are
kept, none of which can carry a script. It is served as that kind and as nothing else.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from billing import audit_log, clock
from billing.db import connection, transaction
from billing.errors import InvalidPicture
from billing.models import Picture

MAX_BYTES = 200 * 1024
"""The largest file: ample for a square of some hundred pixels, and a page with a dozen stays light."""

MIN_PIXELS = 64
MAX_PIXELS = 4096
"""How wide and how high a picture may be."""

VERSION_CHARACTERS = 16
"""So much of a digest in an address tells one picture from the next."""

_NO_FRAME = (0xC4, 0xC8, 0xCC)
"""JPEG markers among those of frames that begin something else: tables, a reserved one."""


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture as it is served. `digest` changes whenever the picture does."""

    content_type: str
    content: bytes
    digest: str

    @property
    def version(self) -> str:
        """What its address ends in."""
        return self.digest[:VERSION_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Format:
    """What a file's content says that it is; width and height in pixels."""

    content_type: str
    width: int
    height: int


def store_picture(influencer: str, content: bytes, *, actor: str) -> str:
    """Keep this picture of the influencer in place of the one before; returns its digest.

    Raises `InvalidPicture`, whose `problem` is `too_large`, `type` or `pixels`.
    """
    if len(content) > MAX_BYTES:
        raise InvalidPicture("too_large")
    known = read_format(content)
    if known is None:
        raise InvalidPicture("type")
    if not all(MIN_PIXELS <= side <= MAX_PIXELS for side in (known.width, known.height)):
        raise InvalidPicture("pixels")
    digest = hashlib.sha256(content).hexdigest()
    with transaction() as writing:
        writing.execute(delete(Picture).where(Picture.influencer == influencer))
        writing.execute(
            insert(Picture),
            {
                "influencer": influencer,
                "content_type": known.content_type,
                "width": known.width,
                "height": known.height,
                "content": content,
                "digest": digest,
                "uploaded_by": actor,
                "uploaded_at": clock.wall_now(),
            },
        )
        audit_log.record("picture.store", actor=actor, subject=influencer, detail={"digest": digest})
    return digest


def remove_picture(influencer: str, *, actor: str) -> None:
    """Take the picture away; none was there is fine too."""
    with transaction() as writing:
        gone = writing.execute(delete(Picture).where(Picture.influencer == influencer)).rowcount
        if gone:
            audit_log.record("picture.remove", actor=actor, subject=influencer)


def read_picture(influencer: str) -> PictureView | None:
    """The influencer's picture, if there is one."""
    row = connection().execute(
        select(Picture.content_type, Picture.content, Picture.digest).where(Picture.influencer == influencer)
    )
    found = row.first()
    return PictureView(found.content_type, found.content, found.digest) if found else None


def list_versions() -> dict[str, str]:
    """Influencer → version of their picture, of all who have one."""
    found = connection().execute(select(Picture.influencer, Picture.digest))
    return {row.influencer: row.digest[:VERSION_CHARACTERS] for row in found}


def read_format(content: bytes) -> Format | None:
    """Kind and size of a picture by its first bytes; None for what is not a PNG, JPEG or WebP."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR" and len(content) >= 24:
        return Format("image/png", *struct.unpack(">II", content[16:24]))
    if content.startswith(b"\xff\xd8\xff"):
        return _read_jpeg(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP" and len(content) >= 30:
        return _read_webp(content)
    return None


def _read_jpeg(content: bytes) -> Format | None:
    """The size stands in the frame header, behind other segments that each tell their length."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return Format("image/jpeg", width, height)
        if length < 2:
            return None
        at += 2 + length
    return None


def _read_webp(content: bytes) -> Format | None:
    """Three ways of writing it: lossy, lossless, and extended."""
    kind = content[12:16]
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", content[26:30])
        return Format("image/webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L" and content[20] == 0x2F:
        bits = int.from_bytes(content[21:25], "little")
        return Format("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        width, height = int.from_bytes(content[24:27], "little"), int.from_bytes(content[27:30], "little")
        return Format("image/webp", width + 1, height + 1)
    return None
