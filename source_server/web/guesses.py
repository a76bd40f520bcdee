"""Limits how often passwords can be guessed: some times freely, then with growing pauses.

Wrong passwords are counted by user and by address. Pauses of a user are short, since any client can
cause them; those of an address grow long. A login that was right a short time ago is accepted
whatever the counts, so that guesses from elsewhere do not stop a harvest. All workers count
together.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Protocol, runtime_checkable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from shared.client_address import client_address
from source_server.settings import SourceSettings
from source_server.users.sign_in import Authenticator
from source_server.workers.common import ALONE, Common

_LONGEST_OF_USER = 30.0
# Seconds after the last wrong password until it is forgotten.
_FORGOTTEN = 3600.0
_MOST_ENTRIES = 10_000
# Factor for the free guesses of an address, which several users may share.
_ADDRESS_FACTOR = 2

_Key = tuple[str, str]


class TooManyGuessesError(Exception):
    """A guess that comes too early; the next one may be made after ``seconds``."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"too many wrong passwords; try again in {seconds} s")


def too_many_guesses(_request: Request, error: Exception) -> Response:
    """The answer to a guess that comes too early."""
    seconds = error.seconds if isinstance(error, TooManyGuessesError) else 1
    return PlainTextResponse(f"{error}\n", 429, headers={"Retry-After": str(seconds)})


@runtime_checkable
class Remembering(Protocol):
    """An authenticator that remembers right logins for a while."""

    def remembers(self, user_id: str, password: str) -> bool: ...


@dataclass(slots=True)
class _Entry:
    wrong: int = 0
    until: float = 0.0
    last: float = 0.0


class Guesses:
    """The counts of wrong passwords. ``most`` of a user are free, with 0 all are; ``longest`` is
    the longest pause of an address, in seconds. Those of the same ``name`` are counted together by
    all workers."""

    def __init__(
        self,
        most: int,
        longest: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        common: Common = ALONE,
        name: str = "guesses",
    ) -> None:
        self._most = most
        self._holder = common.holder
        self._book = common.one(name, _Book, most, longest, clock)
        self._key = self._book.key()

    @classmethod
    def of(cls, settings: SourceSettings, common: Common = ALONE, name: str = "guesses") -> Guesses:
        longest = settings.longest_guess_pause.total_seconds()
        return cls(settings.max_guesses, longest, common=common, name=name)

    def accepted(
        self, authenticator: Authenticator, user_id: str, password: str, address: str
    ) -> bool:
        """Whether the password is right. Raises `TooManyGuessesError`, without checking it, if the
        guess comes too early."""
        remembered = isinstance(authenticator, Remembering) and authenticator.remembers(
            user_id, password
        )
        if remembered:
            return True
        if not self._most:
            return authenticator.accepts(user_id, password)
        keys = (("user", user_id), ("address", client_address(address)))
        login = self._digest(user_id, password)
        left = self._book.begin(self._holder, keys, login)
        if left > 0:
            raise TooManyGuessesError(ceil(left))
        good = False
        try:
            good = authenticator.accepts(user_id, password)
        finally:
            if good:
                self._book.forgive(keys)
            self._book.end(self._holder, login)
        return good

    def _digest(self, user_id: str, password: str) -> bytes:
        text = f"{len(user_id)}:{user_id}{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()


class _Book:
    def __init__(self, most: int, longest: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._longest = longest
        self._clock = clock
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        # Logins that are being checked, as digests, by the processes that check them.
        self._pending: Counter[tuple[int, bytes]] = Counter()
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()

    def key(self) -> bytes:
        """The key of the digests of logins."""
        return self._key

    def begin(self, holder: int, keys: tuple[_Key, ...], login: bytes) -> float:
        """Count the guess before it is checked, since many may come at once; returns 0, or the
        seconds until it may be made. The same login in several requests at once counts as one."""
        with self._lock:
            if all(pending != login for _, pending in self._pending):
                left = max(self._entry(key).until for key in keys) - self._clock()
                if left > 0:
                    return left
                for key in keys:
                    self._count(key)
            self._pending[holder, login] += 1
            return 0.0

    def end(self, holder: int, login: bytes) -> None:
        with self._lock:
            self._pending -= Counter({(holder, login): 1})

    def forgive(self, keys: tuple[_Key, ...]) -> None:
        """The guess was right. Others may share the address: its count loses only this one."""
        with self._lock:
            user, address = map(self._entry, keys)
            user.wrong, user.until = 0, 0.0
            address.wrong, address.until = max(0, address.wrong - 1), 0.0

    def release(self, holder: int) -> None:
        """See `source_server.workers.common.Held`. A login that was being checked stays counted."""
        with self._lock:
            for held in [held for held in self._pending if held[0] == holder]:
                del self._pending[held]

    def _count(self, key: _Key) -> None:
        entry = self._entry(key)
        entry.wrong += 1
        entry.last = self._clock()
        entry.until = entry.last + self._pause(key[0], entry.wrong)

    def _pause(self, what: str, wrong: int) -> float:
        free = self._most * (_ADDRESS_FACTOR if what == "address" else 1)
        if wrong < free:
            return 0.0
        longest = self._longest if what == "address" else min(self._longest, _LONGEST_OF_USER)
        # Without the 30, the power would overflow after a thousand wrong passwords.
        return float(min(2.0 ** min(wrong - free, 30), longest))

    def _entry(self, key: _Key) -> _Entry:
        entry = self._entries.setdefault(key, _Entry())
        if self._clock() - entry.last > _FORGOTTEN:
            entry.wrong, entry.until = 0, 0.0
        self._entries.move_to_end(key)
        if len(self._entries) > _MOST_ENTRIES:
            self._entries.popitem(last=False)
        return entry
