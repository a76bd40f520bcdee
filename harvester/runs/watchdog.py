"""Frees a run that is stuck by breaking off what it waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from harvester.runs.stopping import RunLimits

# Seconds between two looks.
_LOOK = 1.0


@contextmanager
def watched(limits: RunLimits, *interrupts: Callable[[], None]) -> Iterator[None]:
    """Watch the progress from a thread while the block runs. Without progress for ``stall-timeout``
    it calls ``interrupts``, which free the run, and calls them again if that did not help. The time
    of the run counts from the first call on."""
    limits.begins()
    ended = threading.Event()
    watchdog = threading.Thread(
        target=_watch, args=(limits, ended, interrupts), name="watchdog", daemon=True
    )
    watchdog.start()
    try:
        yield
    finally:
        ended.set()
        watchdog.join()


def _watch(
    limits: RunLimits, ended: threading.Event, interrupts: tuple[Callable[[], None], ...]
) -> None:
    longest = limits.stall_timeout.total_seconds()
    while not ended.wait(min(_LOOK, longest / 4)):
        if limits.idle <= longest:
            continue
        limits.give_up()
        for interrupt in interrupts:
            with suppress(Exception):  # what it would have freed has just ended by itself
                interrupt()
        limits.progressed()
