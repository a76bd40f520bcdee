"""Mail to the operators when a section fails.

Sending is never worth a failure of its own: whatever goes wrong is logged, and the harvester goes
on with the next section.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from harvester.properties import HarvesterSettings

logger = logging.getLogger(__name__)

SUBJECT = "Synchronization failed"
SUBJECT_OF_DRY_RUN = "Synchronization (dry run) failed"
"""The original's subjects; filters of operators look for them."""

_PATIENCE = 60.0
"""Seconds for each answer of the mail server."""
_LONGEST_LOG = 5_000_000
"""Bytes of a log that are attached; mail servers refuse much larger mails."""


def send_failure_mail(
    settings: HarvesterSettings, recipients: Sequence[str], subject: str, body: str, log: Path
) -> bool:
    """One mail to each address, with the section's log attached; whether all could be sent."""
    if not recipients:
        return True
    if not settings.mail_smtp_host:
        logger.warning("No mail was sent to %s: mail.smtp.host is not set", ", ".join(recipients))
        return False
    attached = _end_of(log)
    sent = 0
    for address in recipients:
        try:
            message = _message((settings.mail_from or "", address), subject, body)
            message.add_attachment(
                attached, maintype="text", subtype="plain", filename=log.name, cte="base64"
            )
            _send(settings, message)
            sent += 1
        except (OSError, smtplib.SMTPException, ValueError):
            logger.exception("The mail %r could not be sent to %s", subject, address)
    return sent == len(recipients)


def _message(ends: tuple[str, str], subject: str, body: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = ends
    message["Subject"] = subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid()
    message.set_content(body)
    return message


def _end_of(log: Path) -> bytes:
    """The log, without its beginning if it is huge. That it cannot be read is told in its place."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LONGEST_LOG))
            return file.read()
    except OSError as error:
        return f"The log cannot be read: {error}\n".encode()


def _send(settings: HarvesterSettings, message: EmailMessage) -> None:
    host, port = settings.mail_smtp_host or "", settings.mail_smtp_port
    trusted = ssl.create_default_context()
    server: smtplib.SMTP
    if settings.mail_smtp_ssl:
        server = smtplib.SMTP_SSL(host, port, timeout=_PATIENCE, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=_PATIENCE)
    with server:
        if settings.mail_smtp_starttls:
            server.starttls(context=trusted)
        if settings.mail_smtp_user and settings.mail_smtp_password:
            server.login(settings.mail_smtp_user, settings.mail_smtp_password.get_secret_value())
        server.send_message(message)
