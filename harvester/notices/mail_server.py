"""Checks that the mail server accepts a connection and the login; no mail is sent."""

from __future__ import annotations

import smtplib
import ssl
from functools import partial

from harvester.notices.bounded import within
from harvester.notices.mail import open_mail_server
from harvester.runs.findings import Finding, broken, doubtful, fine
from harvester.settings.harvester import HarvesterSettings

_SUBJECT = "mail server"
# Seconds for each answer; all answers together may take twice as long.
_PATIENCE = 30.0
_DONE = 250


def check_mail_server(settings: HarvesterSettings) -> Finding | None:
    """None if no mail server is configured."""
    host, user = settings.mail_smtp_host, settings.mail_smtp_user
    if not host:
        return None
    shown = f"{host}:{settings.mail_smtp_port}"
    try:
        within(2 * _PATIENCE, partial(_ask, settings))
    except (OSError, smtplib.SMTPException) as error:
        return broken(_SUBJECT, f"{shown} {_reason(error, user)}")
    if user and not (settings.mail_smtp_starttls or settings.mail_smtp_ssl):
        return doubtful(
            _SUBJECT, f"{shown} takes the login, but unencrypted; set mail.smtp.starttls = true"
        )
    return fine(_SUBJECT, f"{shown} answers{f', and lets {user} in' if user else ''}")


def _reason(error: OSError | smtplib.SMTPException, user: str | None) -> str:
    """What failed, and what to do. The answer to a login may repeat the password."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return (
                f"refuses user {user} with code {error.smtp_code}; check mail.smtp.user and "
                "mail.smtp.password"
            )
        case smtplib.SMTPNotSupportedError():
            return f"cannot do what is asked: {error}; check mail.smtp.starttls and mail.smtp.user"
        case ssl.SSLError():
            return (
                f"cannot be spoken to in TLS: {error.reason or error}; check mail.smtp.ssl and "
                "mail.smtp.starttls (usual ports: 465 and 587), and the server's certificate"
            )
        case _:
            return (
                f"cannot be reached: {error or type(error).__name__}; check mail.smtp.host and "
                "mail.smtp.port, and that the server runs"
            )


def _ask(settings: HarvesterSettings) -> None:
    server = open_mail_server(settings, _PATIENCE)
    with server:
        code, answer = server.noop()
        if code != _DONE:
            raise smtplib.SMTPResponseException(code, answer)
