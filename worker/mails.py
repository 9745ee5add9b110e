"""Mail on its way out: the words in the customer's language, then to where MAIL_URL says."""

from __future__ import annotations

import structlog
from flask import current_app
from flask_babel import force_locale

from billing import mail_transport, mails
from config import Settings

_log = structlog.get_logger(__name__)


def send(mail_id: int) -> bool:
    """Send one mail; False when the mail server did not take it, and a later round tries again."""
    mail = mails.take_mail(mail_id)
    if mail is None:
        return True
    settings: Settings = current_app.config["SETTINGS"]
    url = settings.mail_url.get_secret_value()
    message = mail_transport.write_mail(url, settings.public_url, to=mail.to, **_words(mail, settings))
    try:
        mail_transport.send_mail(url, message)
    except mail_transport.MailNotSent as failure:
        _log.warning("mail_not_sent", mail=mail_id, kind=mail.kind, error=str(failure))
        return False
    mails.note_sent(mail_id)
    return True


def _words(mail: mails.Outgoing, settings: Settings) -> dict[str, str]:
    """Subject and body of a mail in the language of its reader."""
    jinja = current_app.jinja_env
    locale = mail.locale or settings.default_locale
    with force_locale(locale):
        words = jinja.get_template(f"mail/{mail.kind}.html").make_module()
        place = {
            "words": words,
            "locale": locale,
            "home": settings.public_url,
            "url": settings.public_url + mail.path if mail.path else None,
        }
        return {
            "subject": str(words.subject),  # type: ignore[attr-defined]
            "text": jinja.get_template("mail/message.txt").render(place),
            "html": jinja.get_template("mail/message.html").render(place),
        }
