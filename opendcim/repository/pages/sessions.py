"""Sessions of the pages, kept in memory for all workers: a restart of the server signs everybody
out."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# Seconds; a working day.
LIFETIME = 8 * 60 * 60
_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """``csrf`` must come with every form: another site can send a form, but does not know the
    token. The session ends when the user's key, and with it ``key_mark``, changes."""

    user_id: str
    key_mark: str
    csrf: str
    ends: float

    def sent_this(self, token: str) -> bool:
        # compare_digest refuses texts that are not ASCII, and a form may contain anything.
        return hmac.compare_digest(self.csrf.encode(), token.encode(errors="replace"))


class Sessions:
    """Sessions by random token, which only the browser has. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, user_id: str, key_mark: str) -> str:
        """Returns the token."""
        token = secrets.token_urlsafe(32)
        ends = self._clock() + LIFETIME
        with self._lock:
            self._forget_old()
            self._sessions[token] = Session(
                user_id=user_id, key_mark=key_mark, csrf=secrets.token_urlsafe(32), ends=ends
            )
        return token

    def of(self, token: str) -> Session | None:
        with self._lock:
            session = self._sessions.get(token)
        return session if session and session.ends > self._clock() else None

    def end(self, token: str) -> None:
        with self._lock:
            self._sessions.pop(token, None)

    def _forget_old(self) -> None:
        present = self._clock()
        kept = [item for item in self._sessions.items() if item[1].ends > present]
        self._sessions = dict(kept[-_MOST:])
