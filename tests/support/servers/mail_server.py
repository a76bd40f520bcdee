"""Real mail servers for tests, on free ports: good ones, and ones that never come to an end."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from ssl import SSLContext
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.support.servers.certificates import server_context


class Mailbox:
    """What a mail server took: envelope recipients and messages. It knows no ``nobody@``, breaks
    off at ``goodbye@``, and takes nothing from ``banned@``."""

    def __init__(self) -> None:
        self.recipients: list[list[str]] = []
        self.messages: list[EmailMessage] = []
        self.sessions: set[int] = set()

    async def handle_MAIL(  # noqa: N802 - the name is aiosmtpd's
        self, _server: object, _session: object, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address.startswith("banned@"):
            return "553 not from you"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, _server: object, session: object, envelope: Any, address: str, _options: object
    ) -> str:
        self.sessions.add(id(session))
        if address.startswith("nobody@"):
            return "550 no such user"
        if address.startswith("goodbye@"):
            return "421 going down"
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

    @property
    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.messages]

    @property
    def bodies(self) -> list[str]:
        return [body_of(message) for message in self.messages]


def body_of(message: EmailMessage) -> str:
    body = message.get_body()
    assert body
    return str(body.get_content()).replace("\r\n", "\n")


def attachment_of(message: EmailMessage) -> tuple[str, bytes]:
    """Its only attachment's file name and content; a text, as the original's is."""
    (attachment,) = message.iter_attachments()
    assert attachment.get_content_type() == "text/plain"
    content = attachment.get_payload(decode=True)
    assert isinstance(content, bytes)
    return attachment.get_filename() or "", content


def properties_for(port: int) -> tuple[str, ...]:
    """The lines of harvester.properties that lead to a mail server."""
    return (
        "mail.smtp.host = localhost",
        f"mail.smtp.port = {port}",
        "mail.from = harvester@example.org",
    )


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


@contextmanager
def endless(first: bytes, then: bytes = b"") -> Iterator[int]:
    """The port of a server that says something to each guest, and then goes on and on with
    something else, twenty times a second; or says nothing more."""
    over = threading.Event()

    def entertain(guest: socket.socket) -> None:
        with guest, suppress(OSError):
            guest.sendall(first)
            while not over.wait(0.05):
                guest.sendall(then)

    with listening(entertain) as port:
        try:
            yield port
        finally:
            over.set()


@contextmanager
def listening(entertain: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where each guest is entertained in a thread."""
    threads: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                guest, _ = listener.accept()
                threads.append(threading.Thread(target=entertain, args=(guest,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
