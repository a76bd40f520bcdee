"""A real mail server for tests; remembers the subjects of what arrives."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """``properties`` are the lines of harvester.properties that lead to it."""

    def __init__(self, port: int) -> None:
        self.subjects: list[str] = []
        self.properties = (
            "mail.smtp.host = 127.0.0.1",
            f"mail.smtp.port = {port}",
            "mail.from = harvester@example.org",
        )

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.subjects.append(str(message_from_bytes(envelope.original_content)["Subject"]))
        return "250 OK"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    port = free_port()
    box = Mailbox(port)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
