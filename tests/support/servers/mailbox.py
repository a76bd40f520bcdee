"""A mail server for tests that harvest, and the lines of harvester.properties that lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.servers.mail_server import Mailbox, mail_server, properties_for


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
