"""Sessions: tokens for users who have signed in with their passwords. They are in the memory of
the server, or of its parent if it has several processes, so all end with it."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# Seconds without use after which a session ends.
_IDLE = 3600.0
_MOST = 10_000
_MOST_OF_USER = 100


@dataclass(slots=True)
class _Session:
    user_id: str
    until: float


class Sessions:
    """Any number of threads may use it. The session that was not used for the longest time gives
    way to a new one that would be too many, of this user or of all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._of_users: Counter[str] = Counter()
        self._lock = threading.Lock()

    def begin(self, user_id: str) -> str:
        """The token of a new session."""
        # As openBIS's tokens: the user, then what nobody can guess.
        token = f"{user_id}-{secrets.token_hex(24)}"
        with self._lock:
            self._forget_ended()
            if self._of_users[user_id] >= _MOST_OF_USER:
                self._end(next(t for t, s in self._sessions.items() if s.user_id == user_id))
            elif len(self._sessions) >= _MOST:
                self._end(next(iter(self._sessions)))
            self._sessions[token] = _Session(user_id, self._clock() + _IDLE)
            self._of_users[user_id] += 1
        return token

    def user_of(self, token: str) -> str | None:
        """The user of a session, which counts as use of it; None if there is no such session."""
        with self._lock:
            self._forget_ended()
            session = self._sessions.get(token)
            if session is None:
                return None
            session.until = self._clock() + _IDLE
            self._sessions.move_to_end(token)
            return session.user_id

    def end(self, token: str) -> None:
        with self._lock:
            if token in self._sessions:
                self._end(token)

    def _forget_ended(self) -> None:
        """They are in the order of their last use."""
        now = self._clock()
        while self._sessions:
            token, session = next(iter(self._sessions.items()))
            if session.until > now:
                return
            self._end(token)

    def _end(self, token: str) -> None:
        user_id = self._sessions.pop(token).user_id
        self._of_users[user_id] -= 1
        if not self._of_users[user_id]:
            del self._of_users[user_id]
