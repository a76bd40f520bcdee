"""Whether the reports of a section reach their recipients."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from harvester.runs.findings import Finding, broken, doubtful, fine
from harvester.settings.harvester import HarvesterSettings
from harvester.settings.section import SectionSettings


def check_recipients(section: SectionSettings, settings: HarvesterSettings) -> Iterator[Finding]:
    """Check without sending. Only the host of a web hook is shown: the rest may be its password."""
    if section.email_addresses and not settings.mail_smtp_host:
        yield doubtful("email-addresses", "no mail is sent, since mail.smtp.host is not set")
    if section.webhook_url:
        yield _check_host(urlsplit(section.webhook_url.get_secret_value()).hostname or "")


def _check_host(host: str) -> Finding:
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return broken("webhook-url", f"{host} has no address: {reason}; check webhook-url")
    return fine("webhook-url", f"{host} has an address; nothing was sent")
