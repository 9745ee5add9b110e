"""What forms ask of an e-mail address and of a new password: the rules of `billing.credentials`, told at the field.

As validators they are asked together with all else, so that a reader hears of everything at once.
"""

from __future__ import annotations

from flask_babel import gettext
from wtforms import Field, Form
from wtforms.validators import ValidationError

from billing import credentials
from billing.errors import InvalidEmail, WeakPassword


def email_address(_form: Form, field: Field) -> None:
    """Refuse what cannot be an e-mail address."""
    try:
        credentials.read_email(field.data)
    except InvalidEmail:
        raise ValidationError(gettext("This does not look like an e-mail address: name@example.com")) from None


def new_password(_form: Form, field: Field) -> None:
    """Refuse a password that nobody may choose."""
    try:
        credentials.check_password(field.data)
    except WeakPassword:
        raise ValidationError(gettext("Choose a password of at least 8 characters")) from None
