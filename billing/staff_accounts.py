"""Who of the business may sign in at `/staff`, and what each role may do there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import false, insert, select, update

from billing import audit_log, clock
from billing.credentials import hash_password, is_password, read_email
from billing.db import connection, transaction
from billing.errors import Invalid, InvalidEmail, NotFound, NotPermitted
from billing.ids import new_id
from billing.models import Staff
from billing.money import MAX_MOVE, MICRO, format_credits_plain

Role = Literal["support", "manager", "admin"]
Right = Literal[
    "refund",
    "grant",
    "replay",
    "approve",
    "take",
    "forgive",
    "quota_reset",
    "reconcile",
    "read_audit_log",
    "read_keys",
    "revoke_key",
    "create_key",
    "set_picture",
]

ROLES: tuple[Role, ...] = get_args(Role)

_DESK: frozenset[Right] = frozenset({"refund", "grant", "replay"})

RIGHTS: dict[Role, frozenset[Right]] = {
    "support": _DESK,
    # A leaked key can't wait for an admin; making one, which opens a door, can.
    "manager": frozenset(
        {
            *(*_DESK, "approve", "take", "forgive", "quota_reset", "reconcile"),
            *("read_audit_log", "read_keys", "revoke_key", "set_picture"),
        }
    ),
    "admin": frozenset(get_args(Right)),
}
"""What each role may do besides looking."""

GRANT_LIMITS: dict[Role, int] = {"support": 1_000 * MICRO, "manager": 10_000 * MICRO, "admin": MAX_MOVE}
"""The most micro-credits that one grant by hand may give, one debit by hand take, or one pardon of a debt forgive."""

DAYS_WORTH = 10
"""How many times its limit a role may give, take or forgive by hand in one day (UTC)."""

SETUP_SECONDS = 24 * 3600
"""How long a set-up link works."""


@dataclass(frozen=True, slots=True)
class StaffView:
    """A member of staff. `epoch` grows when all their sessions end."""

    id: str
    email: str
    name: str | None
    role: Role
    epoch: int
    has_password: bool
    has_second_factor: bool
    created_at: datetime
    disabled_at: datetime | None

    @property
    def actor(self) -> str:
        """How entries, refunds and the audit log name them."""
        return f"staff:{self.id}"

    def may(self, right: Right) -> bool:
        """Whether their role has this right."""
        return right in RIGHTS[self.role]

    @property
    def grant_limit(self) -> int:
        """The most micro-credits that they may grant, take or forgive at once."""
        return GRANT_LIMITS[self.role]

    @property
    def day_limit(self) -> int:
        """The most micro-credits that they may grant in a day, and as many take, and as many forgive."""
        return self.grant_limit * DAYS_WORTH


def add_staff(email: str, role: str, name: str | None = None) -> StaffView:
    """Let somebody in at `/staff` once they have set a password, or change the role of who is in already.

    Who was disabled is enabled again. Raises `InvalidEmail`, and `Invalid` for an unknown role.
    """
    email = read_email(email)
    if role not in ROLES:
        raise Invalid(f"role: one of {', '.join(ROLES)}")
    with transaction() as connection:
        known = connection.execute(select(Staff.id).where(Staff.email == email).with_for_update()).first()
        if known is None:
            staff_id = new_id("staff")
            row = {
                "id": staff_id,
                "email": email,
                "name": name,
                "role": role,
                "session_epoch": 0,
                "created_at": clock.wall_now(),
            }
            connection.execute(insert(Staff), row)
        else:
            staff_id = known.id
            connection.execute(update(Staff).where(Staff.id == staff_id).values(role=role, disabled_at=None))
        audit_log.record("staff.add", actor="operator", subject=staff_id, detail={"role": role})
    return get(staff_id)


def disable_staff(email: str) -> StaffView:
    """Shut somebody out at once, open sessions and set-up links included. Raises `NotFound`."""
    with transaction() as connection:
        row = connection.execute(select(Staff.id).where(Staff.email == read_email(email))).first()
        if row is None:
            raise NotFound(f"there is no staff account {email}")
        connection.execute(
            update(Staff)
            .where(Staff.id == row.id)
            .values(disabled_at=clock.wall_now(), session_epoch=Staff.session_epoch + 1)
        )
        audit_log.record("staff.disable", actor="operator", subject=row.id)
    return get(row.id)


def get(staff_id: str) -> StaffView:
    """A member of staff, disabled or not. Raises `NotFound`."""
    row = connection().execute(select(Staff.__table__).where(Staff.id == staff_id)).first()
    if row is None:
        raise NotFound()
    return _view(row)


def list_staff() -> list[StaffView]:
    """Everybody who has, or had, an account; they are few."""
    return [_view(row) for row in connection().execute(select(Staff.__table__).order_by(Staff.email))]


def find(email: str) -> StaffView | None:
    """The member of staff with this address, if there is one."""
    row = connection().execute(select(Staff.__table__).where(Staff.email == read_email(email))).first()
    return _view(row) if row is not None else None


def authenticate(email: str, password: str) -> StaffView | None:
    """Who signs in with these; None for anything wrong, and after the same time for all of it (F131)."""
    try:
        known = Staff.email == read_email(email)
    except InvalidEmail:
        known = false()
    query = select(Staff.__table__).where(known, Staff.disabled_at.is_(None))
    row = connection().execute(query).first()
    matches = is_password(password, row.password_hash if row else None)
    return _view(row) if row is not None and matches else None


def signed_in(staff_id: str, epoch: int) -> StaffView | None:
    """Who a session belongs to, unless it has ended or they have been shut out."""
    try:
        staff = get(staff_id)
    except NotFound:
        return None
    return staff if staff.epoch == epoch and staff.disabled_at is None else None


def end_sessions(staff_id: str) -> None:
    """End every session of theirs, copies of the cookie included (F129)."""
    with transaction() as connection:
        connection.execute(update(Staff).where(Staff.id == staff_id).values(session_epoch=Staff.session_epoch + 1))


def require(staff: StaffView, right: Right, *, account_id: int | None = None, subject: str | None = None) -> None:
    """Raises `NotPermitted`, and writes the attempt down, unless their role has the right."""
    if not staff.may(right):
        refuse(staff, right, account_id=account_id, subject=subject)


def require_by_hand(staff: StaffView, right: Right, amount: int, account_id: int) -> None:
    """Raises `NotPermitted`, and writes it down, unless they may move so many micro-credits at once (F136)."""
    require(staff, right, account_id=account_id)
    if amount > staff.grant_limit:
        refuse(staff, right, account_id=account_id, detail={"credits": format_credits_plain(amount)})


def refuse(
    staff: StaffView,
    action: str,
    *,
    account_id: int | None = None,
    subject: str | None = None,
    detail: audit_log.Detail | None = None,
) -> None:
    """Write down that they tried; then raises `NotPermitted`."""
    audit_log.record(action, actor=staff.actor, account_id=account_id, subject=subject, allowed=False, detail=detail)
    raise NotPermitted()


def make_setup_token(staff_id: str, secret_key: str) -> str:
    """The token of a link that lets them set a password, once, within `SETUP_SECONDS`."""
    return _signer(secret_key).dumps([staff_id, _state(_row(staff_id))])


def read_setup_token(token: str, secret_key: str) -> StaffView:
    """Whose set-up link this is. Raises `NotFound` when it is forged, too old, or has been used."""
    try:
        staff_id, state = _signer(secret_key).loads(token, max_age=SETUP_SECONDS)
    except (BadSignature, ValueError, TypeError):
        raise NotFound() from None
    row = _row(staff_id)
    if row.disabled_at is not None or _state(row) != state:
        raise NotFound()
    return _view(row)


def set_password(token: str, secret_key: str, password: str) -> StaffView:
    """Set the password by a set-up link, which is used up by it; other sessions end.

    Raises `NotFound` as `read_setup_token` does, and `WeakPassword`.
    """
    hashed = hash_password(password)
    with transaction() as connection:
        staff = read_setup_token(token, secret_key)
        changed = connection.execute(
            update(Staff)
            .where(Staff.id == staff.id, Staff.session_epoch == staff.epoch)
            .values(password_hash=hashed, session_epoch=staff.epoch + 1)
        )
        if changed.rowcount != 1:
            raise NotFound()
        audit_log.record("staff.set_password", actor=staff.actor, subject=staff.id)
    return get(staff.id)


def _signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="staff set-up link")


def _state(row: Any) -> str:
    """What a used link no longer agrees with: a new password changes it, and so does a log-out."""
    return hashlib.sha256(f"{row.session_epoch}:{row.password_hash or ''}".encode()).hexdigest()[:32]


def _row(staff_id: str) -> Any:
    row = connection().execute(select(Staff.__table__).where(Staff.id == staff_id)).first()
    if row is None:
        raise NotFound()
    return row


def _view(row: Any) -> StaffView:
    return StaffView(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        epoch=row.session_epoch,
        has_password=row.password_hash is not None,
        has_second_factor=row.totp_salt is not None,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )
