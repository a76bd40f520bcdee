"""Tries requests again whose failure may be temporary."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from shared.errors import SourceError

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds; a source that asks for more is left to the next run.
LONGEST_PAUSE = 300.0
# Tries of one request, even if each brings it further.
_MOST_TRIES = 100
_LONGEST_TOLD = timedelta(days=3650)


class PassingError(SourceError):
    """A failure that may be gone at the next try; the source may have said after how many
    seconds."""

    # That of the source's answer; 0 without one.
    status = 0

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutOfReachError(PassingError):
    """Nothing can be fetched from the source: there is no connection, or the source refuses
    requests for now. So this is never the fault of one item."""


class Retries:
    """The number of tries and the pauses between them. The pauses vary at random by a little, so
    that several threads do not come back at the same moment. Safe for threads.

    A source that refuses requests for longer than the longest pause is not asked again before that
    time, whatever is to be fetched.
    """

    def __init__(
        self,
        pauses: Sequence[float],
        sleep: Callable[[float], None] = time.sleep,
        log: logging.Logger = logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pauses = tuple(pauses)
        self._sleep = sleep
        self._log = log
        self._clock = clock
        self._left_alone: tuple[float, str] | None = None

    def run(self, attempt: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
        """Return what the attempt returns. A `PassingError` is raised only after the last try. A
        try after which ``progress`` returns more than before does not count as a failure: counting
        starts again."""
        tries = failures = 0
        while True:
            self._check_left_alone()
            before = progress()
            try:
                return attempt()
            except PassingError as error:
                tries += 1
                failures = 1 if progress() > before else failures + 1
                if error.retry_after > LONGEST_PAUSE:
                    raise self._leave_alone(error) from error
                if failures > len(self._pauses) or tries == _MOST_TRIES:
                    raise
                wait = self._wait_for(failures, error)
                self._log.warning("%s; trying again in %.0f seconds", error, wait)
            self._sleep(wait)

    def _wait_for(self, failures: int, error: PassingError) -> float:
        jittered = self._pauses[failures - 1] * random.SystemRandom().uniform(0.5, 1.5)
        return max(jittered, error.retry_after)

    def _leave_alone(self, error: PassingError) -> OutOfReachError:
        until = datetime.now(UTC).astimezone() + timedelta(seconds=error.retry_after)
        message = f"{error}; it wants to be left alone until {until:%Y-%m-%d %H:%M:%S}"
        self._left_alone = (self._clock() + error.retry_after, message)
        return OutOfReachError(message, retry_after=error.retry_after)

    def _check_left_alone(self) -> None:
        if self._left_alone is None:
            return
        until, message = self._left_alone
        if (left := until - self._clock()) > 0:
            raise OutOfReachError(message, retry_after=left)


def seconds_until(text: str) -> float:
    """The seconds of a ``Retry-After`` header, which is a number or a date; 0 if it is neither."""
    longest = _LONGEST_TOLD.total_seconds()
    if text.isdecimal():
        return min(float(text), longest)
    try:
        return min((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), longest)
    except (TypeError, ValueError, OverflowError):
        return 0.0
