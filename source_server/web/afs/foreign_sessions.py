"""Sessions of an application server, with a limit on how often tokens can be guessed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from source_server.web.guesses import Guesses

if TYPE_CHECKING:
    from source_server.users.application_server import ApplicationServer


@dataclass(frozen=True, slots=True)
class ForeignSessions:
    """See `source_server.web.afs.application.Tokens`. It is an authenticator in which a token is
    the password of a user of its own, so that wrong tokens count for their address alone."""

    _server: ApplicationServer
    _guesses: Guesses

    @classmethod
    @contextmanager
    def opened(cls, url: str | None, guesses: Guesses) -> Iterator[ForeignSessions | None]:
        """Nothing without an address."""
        if url is None:
            yield None
            return
        # Imported late: most servers ask nobody, and do without a client.
        from source_server.users.application_server import ApplicationServer  # noqa: PLC0415

        server = ApplicationServer(url)
        try:
            yield cls(server, guesses)
        finally:
            server.close()

    def user_of(self, token: str, address: str) -> str | None:
        if not self._guesses.accepted(self, token, token, address):
            return None
        return self._server.user_of(token)

    def accepts(self, _user_id: str, token: str) -> bool:
        return self._server.user_of(token) is not None

    def remembers(self, _user_id: str, token: str) -> bool:
        return self._server.knows(token)
