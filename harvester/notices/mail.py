"""Mails to the operators.

A failure to send is logged and never raised: the harvester goes on with the next section.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial

from harvester.notices.bounded import within
from harvester.runs.plain_text import plain, plain_line
from harvester.settings.harvester import HarvesterSettings
from shared.edges import OnError

logger = logging.getLogger(__name__)

# Seconds for one mail in all, whatever the number of recipients.
PATIENCE = 60.0
# Bytes of a log that are attached; mail servers refuse much larger mails.
_LONGEST_LOG = 5_000_000
# Bytes of a mail besides what is attached.
_ALL_ELSE = 30_000
# The part of a mail that is left for the attachment, since base64 makes it longer.
_BASE64 = 0.7
_LEFT_OUT = b"... (the beginning is left out, for the sake of the mail server; see the log file)\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """``section`` is a header of its own, for filters, since the subjects are the original's. An
    empty attachment is left out."""

    subject: str
    body: str
    section: str
    attachment: bytes = b""
    attachment_name: str = ""


def send_mail(
    settings: HarvesterSettings,
    recipients: Sequence[str],
    mail: Mail,
    patience: float = PATIENCE,
) -> bool:
    """Send one message to each address. True if the mail server took at least one."""
    if not recipients:
        return False
    if not settings.mail_smtp_host or not settings.mail_from:
        missing = "mail.from" if settings.mail_smtp_host else "mail.smtp.host"
        logger.warning("No mail was sent to %s: %s is not set", ", ".join(recipients), missing)
        return False
    delivery = _Delivery(settings, mail, patience)
    try:
        within(patience, partial(delivery.run, recipients))
    except TimeoutError:
        delivery.give_up(recipients, f"the mail server took longer than {patience:g} seconds")
        delivery.abort()
    return delivery.sent > 0


def open_mail_server(settings: HarvesterSettings, patience: float = PATIENCE) -> smtplib.SMTP:
    """A connection that is encrypted and logged in as configured; ``patience`` is per answer.

    Raises `OSError` (the base of `smtplib.SMTPException`), or `ValueError` for a bad host name.
    """
    host, port = settings.mail_smtp_host or "", settings.mail_smtp_port
    trusted = ssl.create_default_context()
    server: smtplib.SMTP
    if settings.mail_smtp_ssl:
        server = smtplib.SMTP_SSL(host, port, timeout=patience, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=patience)
    with OnError(server.close):
        if settings.mail_smtp_starttls:
            server.starttls(context=trusted)
        if settings.mail_smtp_user and settings.mail_smtp_password:
            server.login(settings.mail_smtp_user, settings.mail_smtp_password.get_secret_value())
        server.ehlo_or_helo_if_needed()
    return server


class _Delivery:
    """Sends one mail to several recipients, over one connection unless it breaks."""

    def __init__(self, settings: HarvesterSettings, mail: Mail, patience: float) -> None:
        self._settings = settings
        self._mail = mail
        self._patience = patience
        self._server: smtplib.SMTP | None = None
        # Addresses for which the mail was accepted or refused.
        self.done: list[str] = []
        self.sent = 0

    def run(self, recipients: Sequence[str]) -> None:
        for address in recipients:
            if address in self.done:
                continue
            try:
                self._server = self._server or open_mail_server(self._settings, self._patience)
            except (OSError, ValueError) as error:
                self.give_up(recipients, _reason(error))
                return
            self._send(self._server, address)
        if self._server:
            with suppress(OSError):
                self._server.quit()
            self._server.close()

    def _send(self, server: smtplib.SMTP, address: str) -> None:
        try:
            server.send_message(self._message(address, _room(server)))
        except (OSError, ValueError) as error:
            self.give_up([address], _reason(error))
            if server.sock is None or not isinstance(error, _ANSWERS):
                server.close()
                self._server = None  # the next recipient may have better luck
        else:
            self.sent += 1
            self.done.append(address)

    def give_up(self, addresses: Sequence[str], reason: str) -> None:
        """The addresses that are not done yet."""
        left = [address for address in addresses if address not in self.done]
        if not left:
            return
        self.done += left
        shown = ", ".join(left)
        logger.error("The mail %r could not be sent to %s: %s", self._mail.subject, shown, reason)

    def abort(self) -> None:
        """Shut the connection, so that a thread that waits for the server wakes up."""
        with suppress(OSError, AttributeError):
            self._server.sock.shutdown(2)  # type: ignore[union-attr]

    def _message(self, address: str, room: int) -> EmailMessage:
        mail, message = self._mail, EmailMessage()
        message["From"], message["To"] = self._settings.mail_from, address
        message["Subject"] = mail.subject
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = make_msgid()
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: stops absence notices
        message["X-Openbis-Sync-Section"] = plain_line(mail.section)
        message.set_content(plain(mail.body), cte="quoted-printable")
        if mail.attachment:
            message.add_attachment(
                _shortened(mail.attachment, room),
                maintype="text",
                subtype="plain",
                filename=plain_line(mail.attachment_name),
                params={"charset": "utf-8"},
                cte="base64",
            )
        return message


# What the server says with a connection that goes on.
_ANSWERS = (
    smtplib.SMTPResponseException,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPNotSupportedError,
    ValueError,  # what cannot be put into a mail was not sent at all
)


def _room(server: smtplib.SMTP) -> int:
    """Bytes that may be attached, by the server's size limit, if it names one (RFC 1870)."""
    announced = server.esmtp_features.get("size", "")
    if not announced.isdecimal() or int(announced) == 0:
        return _LONGEST_LOG
    return max(0, min(_LONGEST_LOG, int(int(announced) * _BASE64) - _ALL_ELSE))


def _shortened(log: bytes, room: int) -> bytes:
    """The last lines of a log."""
    if len(log) <= room:
        return log
    end = log[len(log) - room :]
    return _LEFT_OUT + end[end.find(b"\n") + 1 :]


def _reason(error: Exception) -> str:
    """One line. The answer to a login is left out, since it may repeat the password."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"the mail server refuses the login with code {error.smtp_code}"
        case smtplib.SMTPRecipientsRefused():
            answers = error.recipients.values()
            return "; ".join(f"{code} {_text(answer)}" for code, answer in answers)
        case smtplib.SMTPResponseException():
            return f"{error.smtp_code} {_text(error.smtp_error)}"
        case ssl.SSLCertVerificationError():
            return f"{plain_line(str(error))}; name the file of its authority in SSL_CERT_FILE"
        case _:
            return plain_line(str(error)) or type(error).__name__


def _text(answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return plain_line(text)
