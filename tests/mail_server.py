"""A real mail server for tests, on a free port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from ssl import SSLContext
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.certificates import server_context


class Mailbox:
    """What a mail server took: envelope recipients and messages. It knows no ``nobody@``."""

    def __init__(self) -> None:
        self.recipients: list[list[str]] = []
        self.messages: list[EmailMessage] = []

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, _server: object, _session: object, envelope: Any, address: str, _options: object
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _server: object, _session: object, envelope: Any
    ) -> str:
        self.recipients.append(envelope.rcpt_tos)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"


def knows_mira(
    _server: object, _session: object, _envelope: object, _mechanism: str, auth_data: LoginPassword
) -> AuthResult:
    return AuthResult(success=auth_data == LoginPassword(b"mira", b"secret"), handled=False)


@contextmanager
def mail_server(ssl: SSLContext | None = None, **options: Any) -> Iterator[tuple[Mailbox, int]]:
    """The mailbox and the port; options are aiosmtpd's."""
    mailbox, loop = Mailbox(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> asyncio.Server:
        return await loop.create_server(
            lambda: SMTP(mailbox, loop=loop, **options), "127.0.0.1", 0, ssl=ssl
        )

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield mailbox, server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    """With all connections that are still open."""
    server.close()
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    for connection in connections:
        connection.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


@contextmanager
def encrypting(mode: str, file: Path) -> Iterator[tuple[Mailbox, int]]:
    """A mail server that wants encryption and a login."""
    options: dict[str, Any] = {"authenticator": knows_mira}
    if mode == "ssl":
        options |= {"ssl": server_context(file), "auth_require_tls": False}
    else:
        options |= {"tls_context": server_context(file), "require_starttls": True}
        options |= {"auth_required": True}
    with mail_server(**options) as server:
        yield server
