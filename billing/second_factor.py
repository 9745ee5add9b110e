"""The second factor of staff: six digits that an authenticator app shows, by time (TOTP, RFC 6238).

The secret is made of a salt in the database and `SECRET_KEY`, so a copy of the database alone opens nothing (F137).
Whoever changes `SECRET_KEY` sets every second factor up anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote

from sqlalchemy import or_, select, update

from billing import audit_log, clock
from billing.db import connection, transaction
from billing.errors import NotFound
from billing.models import Staff

STEP_SECONDS = 30
DIGITS = 6
DRIFT = 1
"""How many steps a phone's clock may be ahead or behind."""


def new_salt() -> str:
    """A salt for a second factor about to be set up; it counts once `set_up` has seen a code for it."""
    return secrets.token_urlsafe(24)


def secret_of(salt: str, secret_key: str) -> str:
    """The secret that belongs to a salt, as authenticator apps take it: 32 letters and digits (base32)."""
    digest = hmac.digest(secret_key.encode(), f"staff second factor:{salt}".encode(), hashlib.sha256)
    return base64.b32encode(digest[:20]).decode()


def address_of(secret: str, email: str) -> str:
    """The `otpauth:` address that an authenticator app opens."""
    return f"otpauth://totp/{quote(f'Saldo:{email}')}?secret={secret}&issuer=Saldo"


def code_at(secret: str, step: int) -> str:
    """The code that an app shows during a time step (RFC 4226, 5.3: dynamic truncation)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number: int = struct.unpack_from(">I", digest, offset)[0] & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def set_up(staff_id: str, salt: str, code: str, secret_key: str) -> bool:
    """Ask for codes of this salt from now on, if `code` is one; false if it is not. Other sessions end."""
    step = _step_of(secret_of(salt, secret_key), code)
    if step is None:
        return False
    values = {"totp_salt": salt, "totp_step": step, "session_epoch": Staff.session_epoch + 1}
    with transaction() as open_connection:
        open_connection.execute(update(Staff).where(Staff.id == staff_id).values(**values))
        audit_log.record("staff.second_factor", actor=f"staff:{staff_id}", subject=staff_id)
    return True


def is_code(staff_id: str, code: str, secret_key: str) -> bool:
    """Whether this is their code now. A right one counts once, also when it is sent twice at once."""
    salt = connection().scalar(select(Staff.totp_salt).where(Staff.id == staff_id))
    step = _step_of(secret_of(salt, secret_key), code) if salt is not None else None
    if step is None:
        return False
    is_newer = or_(Staff.totp_step.is_(None), Staff.totp_step < step)
    with transaction() as open_connection:
        used = open_connection.execute(
            update(Staff).where(Staff.id == staff_id, Staff.totp_salt == salt, is_newer).values(totp_step=step)
        )
    return used.rowcount == 1


def forget(email: str) -> str:
    """Ask this member of staff for no code any more (a lost phone), and end their sessions; answers their id.

    Raises `NotFound`.
    """
    with transaction() as open_connection:
        staff_id = open_connection.scalar(select(Staff.id).where(Staff.email == email.strip().lower()))
        if staff_id is None:
            raise NotFound(f"there is no staff account {email}")
        values = {"totp_salt": None, "totp_step": None, "session_epoch": Staff.session_epoch + 1}
        open_connection.execute(update(Staff).where(Staff.id == staff_id).values(**values))
        audit_log.record("staff.forget_second_factor", actor="operator", subject=staff_id)
    return str(staff_id)


def _step_of(secret: str, code: str) -> int | None:
    """The time step that a code belongs to, the newest first, if it is one of now."""
    now = int(clock.wall_now().timestamp()) // STEP_SECONDS
    typed = "".join(code.split()).encode()
    fits = [
        step
        for step in range(now + DRIFT, now - DRIFT - 1, -1)
        if hmac.compare_digest(code_at(secret, step).encode(), typed)
    ]
    return fits[0] if fits else None
