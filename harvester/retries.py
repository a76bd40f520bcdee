"""Trying again what may have been bad luck."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from shared.errors import SourceError

logger = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES = (1.0, 4.0, 15.0)
"""Seconds between one try and the next; so there is one try more than pauses."""
_LONGEST_PAUSE = 300.0
"""However long the source asks to wait."""


class PassingError(SourceError):
    """May be gone when tried again; the source may have said after how many seconds."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Retries:
    """How often to try, and how long to wait: a little more or less than the pauses, at random,
    so that several threads do not come back at the same moment."""

    def __init__(
        self, pauses: Sequence[float] = PAUSES, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._pauses = tuple(pauses)
        self._sleep = sleep

    def run(self, attempt: Callable[[], T]) -> T:
        """What the attempt returns. A `PassingError` is raised only after the last try."""
        for pause in self._pauses:
            try:
                return attempt()
            except PassingError as error:
                jittered = pause * random.SystemRandom().uniform(0.5, 1.5)
                wait = max(jittered, min(error.retry_after, _LONGEST_PAUSE))
                logger.warning("%s; trying again in %.0f seconds", error, wait)
                self._sleep(wait)
        return attempt()


def seconds_until(text: str) -> float:
    """What a ``Retry-After`` header says, as seconds or as a date; 0 if nobody can read it."""
    if text.isdecimal():
        return float(text)
    try:
        return (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
