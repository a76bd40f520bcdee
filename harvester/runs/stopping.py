"""Reasons for a run to end early: a request, the limits of time and volume, or no progress.

A run asks here between two items. The present item is finished and committed; the next run
continues, since comparing finds what is left to do. Only a run that is stuck or out of time also
breaks off the present file, whose beginning is kept for the next run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue

from harvester.settings.section import SectionSettings
from shared.errors import StoppedError

# Seconds between two looks at the reasons to stop, in a pause.
_LOOK = 1.0


class StopRequest:
    """A request by a signal, for all sections of the process. Signal handlers may call `set`: they
    interrupt the main thread anywhere, also within a lock that `threading.Event` would take, so
    there is none here. The first reason counts."""

    def __init__(self) -> None:
        self._woken: SimpleQueue[None] = SimpleQueue()
        self._set = False
        self.reason = ""
        # Which signal asked for it, if it was one.
        self.signal: int | None = None

    def set(self, reason: str, signal: int | None = None) -> None:
        if not self._set:
            self.reason, self.signal = reason, signal
            self._set = True
            self._woken.put(None)

    @property
    def is_set(self) -> bool:
        return self._set

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake up when a stop is requested; returns whether it was."""
        if not self._set:
            with suppress(Empty):
                self._woken.get(timeout=max(seconds, 0))
                self._woken.put(None)  # for the next one who sleeps
        return self._set


class RunLimits:
    """The limits of one run, and its progress. Safe for threads."""

    def __init__(
        self,
        config: SectionSettings,
        request: StopRequest | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = request or StopRequest()
        self._clock = clock
        self._began = self._last_progress = clock()
        self.stall_timeout = config.stall_timeout
        self._longest = config.max_run_time
        self._most = config.max_transfer
        self._lock = threading.Lock()
        self._has_begun = False
        # Whether the watchdog has given the run up.
        self.stalled = False
        # Bytes of files that came over the network in this run.
        self.transferred = 0
        # Whether an item was left to the next run.
        self.left_something = False

    def begins(self) -> None:
        """Start the time of the run, at the first call: before that it waited for other runs."""
        self.progressed()
        if not self._has_begun:
            self._has_begun = True
            self._began = self._clock()

    def progressed(self) -> None:
        """Note progress: a row, a block, an item."""
        self._last_progress = self._clock()

    @property
    def idle(self) -> float:
        """Seconds since the last progress."""
        return self._clock() - self._last_progress

    def give_up(self) -> None:
        """The run is stuck (`harvester.runs.watchdog`)."""
        self.stalled = True

    def received(self, count: int) -> None:
        """Count bytes of a file that came over the network."""
        with self._lock:
            self.transferred += count
        self.progressed()

    @property
    def urgent_reason(self) -> str | None:
        """Why the run is to end even within a file; None if that may be finished."""
        if self.stalled:
            return f"there was no progress for {_duration_text(self.stall_timeout)} (stall-timeout)"
        if self._longest and self._clock() - self._began > self._longest.total_seconds():
            return f"the run took longer than {_duration_text(self._longest)} (max-run-time)"
        return None

    @property
    def reason(self) -> str | None:
        """Why the run is to end now; None if it may go on."""
        if reason := self.urgent_reason:
            return reason
        return self._request.reason if self._request.is_set else None

    @property
    def volume_is_used_up(self) -> str | None:
        """The reason why something was not fetched although the run may end normally; None if all
        was."""
        if self.left_something and self.is_full:
            return f"{self.transferred:,} bytes were fetched (max-transfer)"
        return None

    @property
    def is_full(self) -> bool:
        """Whether the volume (``max-transfer``) is used up, so that nothing more may begin."""
        return self._most is not None and self.transferred >= self._most

    def may_begin(self) -> bool:
        """Whether an item may begin. Call `note_left` for an item that is left to the next run
        instead."""
        return self.reason is None and not self.is_full

    def note_left(self) -> None:
        """Note that a waiting item is left to the next run."""
        self.left_something = True

    def check(self) -> None:
        """Raise `StoppedError` if the run has to end now."""
        if reason := self.reason:
            raise StoppedError(reason, stalled=self.stalled)

    def check_urgent(self) -> None:
        """Raise `StoppedError` if the run has to end even within a file."""
        if reason := self.urgent_reason:
            raise StoppedError(reason, stalled=self.stalled)

    def sleep(self, seconds: float) -> None:
        """Pause between two items. The pause ends early, with `StoppedError`, if the run has to
        end. It counts as progress: a deliberate pause is no stall."""
        self._pause(seconds, self.check, self._request.wait)

    def pause(self, seconds: float) -> None:
        """Pause within a file; only an urgent reason ends it early. It counts as progress."""
        self._pause(seconds, self.check_urgent, time.sleep)

    def _pause(
        self, seconds: float, check: Callable[[], None], rest: Callable[[float], object]
    ) -> None:
        deadline = self._clock() + seconds
        while (left := deadline - self._clock()) > 0:
            self.progressed()
            check()
            rest(min(left, _LOOK))
        self.progressed()
        check()


def _duration_text(duration: timedelta) -> str:
    """A duration as in the settings: ``1 h``, ``30 min``."""
    seconds = duration.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:g} s"
