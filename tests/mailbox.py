"""A mail server for tests that harvest, and the lines of harvester.properties that lead to it."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.mail_server import Mailbox, mail_server, properties_for


@dataclass(frozen=True, slots=True)
class Box:
    """``properties`` are the lines of harvester.properties that lead to it."""

    mail: Mailbox
    properties: tuple[str, ...]

    @property
    def subjects(self) -> list[str]:
        return self.mail.subjects

    @property
    def bodies(self) -> list[str]:
        return self.mail.bodies


@contextmanager
def mailbox() -> Iterator[Box]:
    with mail_server() as (mail, port):
        yield Box(mail, properties_for(port))


def free_port() -> int:
    """A port on which nothing listens, nor will soon: it is none of those that the system gives to
    connections and servers by itself (on Linux from 32768 on), also in other tests at work."""
    while True:
        port = secrets.choice(range(12_000, 32_000))
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
