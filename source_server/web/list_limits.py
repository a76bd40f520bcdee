"""Limits how often, and how many at once, resource lists are sent: ``minimum-interval``,
``max-lists`` and ``max-lists-per-user``.

A list reads the whole instance. Harvesters need one a day; one that asks every five minutes by
mistake would keep the database busy for nothing.

The interval counts per user, patterns and roots, since several sections of one harvester have the
same user and differ in these. Counts are kept in memory only, and are those of all workers.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

from shared.resourcesync.timestamps import format_timestamp
from source_server.publication.selection import Selection
from source_server.settings import SourceSettings
from source_server.workers.common import ALONE, Common

# ``Retry-After``, in seconds, for a client beyond the number of lists.
PAUSE = 30

_Key = bytes


class RefusalReason(StrEnum):
    """The limit by which a list is refused."""

    INTERVAL = "interval"
    USER = "user"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused list. The client may ask again after ``seconds``, at least 1."""

    reason: RefusalReason
    text: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The limits. ``max_lists`` are sent at once, ``max_lists_per_user`` of them to one user."""

    minimum_interval: timedelta | None = None
    max_lists: int
    max_lists_per_user: int

    @classmethod
    def of(cls, settings: SourceSettings) -> Self:
        return cls(
            minimum_interval=settings.minimum_interval,
            max_lists=settings.max_lists,
            max_lists_per_user=settings.max_lists_per_user,
        )


class Turn:
    """The permission to send one list. It counts against the limits until it is ended."""

    def __init__(self, end: Callable[[bool], None]) -> None:
        self._end: Callable[[bool], None] | None = end
        self._lock = threading.Lock()

    def end(self, *, delivered: bool) -> None:
        """End the permission. ``delivered``: the list was sent to its end. Only the first call
        counts."""
        with self._lock:
            end, self._end = self._end, None
        if end is not None:
            end(delivered)


def _now() -> datetime:
    return datetime.now(UTC)


class ListLimits:
    """Gives permissions, in any thread. ``clock`` returns seconds that never go back; ``now`` the
    time of day, which is only shown to clients."""

    def __init__(
        self,
        rules: Rules,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _now,
        common: Common = ALONE,
    ) -> None:
        self._book = common.one("lists", _Book, rules, clock, now)
        self._holder = common.holder

    @property
    def lists(self) -> int:
        """The number of lists that are being sent."""
        return self._book.lists()

    def turn(self, user_id: str, selection: Selection) -> Turn | Refusal:
        """Permission to send a list now. The caller must end it."""
        user_id = user_id.lower()  # as users are found: HARVEST signs in as harvest
        key = _key(user_id, selection)
        asked = self._book.begin(self._holder, user_id, key)
        if isinstance(asked, Refusal):
            return asked
        return Turn(lambda delivered: self._end(user_id, key, asked if delivered else None))

    def _end(self, user_id: str, key: _Key, delivered: float | None) -> None:
        self._book.end(self._holder, user_id, key, delivered)


class _Book:
    """The lists that are being sent, by the processes that send them, and those that were."""

    def __init__(
        self, rules: Rules, clock: Callable[[], float], now: Callable[[], datetime]
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._sending: Counter[tuple[int, str]] = Counter()
        self._delivered: dict[_Key, float] = {}

    def lists(self) -> int:
        with self._lock:
            return self._sending.total()

    def begin(self, holder: int, user_id: str, key: _Key) -> float | Refusal:
        """The time of the permission by the clock, or why there is none."""
        with self._lock:
            asked = self._clock()
            refusal = self._too_early(key, asked) or self._too_many(user_id)
            if refusal is None:
                self._sending[holder, user_id] += 1
            return refusal or asked

    def _too_early(self, key: _Key, asked: float) -> Refusal | None:
        interval = self._rules.minimum_interval
        if interval is None or key not in self._delivered:
            return None
        wait = math.ceil(self._delivered[key] + interval.total_seconds() - asked)
        if wait <= 0:
            return None
        then = format_timestamp(self._now() + timedelta(seconds=wait + 1))  # fractions are cut off
        return Refusal(
            reason=RefusalReason.INTERVAL,
            text=f"this resource list was sent to you already, and is sent once in {interval} "
            f"(hours:minutes:seconds) at most; come back in {wait} seconds, at {then}",
            seconds=wait,
        )

    def _too_many(self, user_id: str) -> Refusal | None:
        own = sum(number for (_, user), number in self._sending.items() if user == user_id)
        total = self._sending.total()
        if own >= self._rules.max_lists_per_user:
            reason, who = RefusalReason.USER, f"{own} resource lists are being sent to this user"
        elif total >= self._rules.max_lists:
            reason, who = RefusalReason.ALL, f"{total} resource lists are being sent"
        else:
            return None
        text = f"{who}, and no more at once; come back in {PAUSE} seconds"
        return Refusal(reason=reason, text=text, seconds=PAUSE)

    def end(self, holder: int, user_id: str, key: _Key, delivered: float | None) -> None:
        """``delivered`` is the time of the permission if the list was sent whole.

        The interval counts from the request: otherwise a harvester that comes every 24 hours would
        be too early by the time that its list took."""
        with self._lock:
            self._sending -= Counter({(holder, user_id): 1})
            if delivered is not None and self._rules.minimum_interval is not None:
                self._forget_old(self._rules.minimum_interval.total_seconds())
                # The later request counts, whichever of two lists with one key ends last.
                self._delivered[key] = max(delivered, self._delivered.get(key, delivered))

    def release(self, holder: int) -> None:
        """See `source_server.workers.common.Held`."""
        with self._lock:
            for held in [held for held in self._sending if held[0] == holder]:
                del self._sending[held]

    def _forget_old(self, interval: float) -> None:
        oldest = self._clock() - interval
        for key in [key for key, asked in self._delivered.items() if asked <= oldest]:
            del self._delivered[key]


def _key(user_id: str, selection: Selection) -> _Key:
    """A short key, the same for the same patterns and roots in any order."""
    patterns = [sorted(selection.black.texts), sorted(selection.white.texts)]
    return hashlib.sha256(
        json.dumps([user_id, *patterns, *selection.roots.key()]).encode()
    ).digest()
