"""Frees a run that is stuck: whatever it waits for is broken off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from harvester.runs.stopping import Leash

_LOOK = 1.0
"""Seconds between two looks."""


@contextmanager
def watched(leash: Leash, *interrupts: Callable[[], None]) -> Iterator[None]:
    """Meanwhile a thread looks whether there is progress; if there is none for ``stall-timeout``,
    it calls ``interrupts``, which free whatever the run waits for; and again if that did not help.
    The time of the run counts from the first time on."""
    leash.begins()
    ended = threading.Event()
    watchdog = threading.Thread(
        target=_watch, args=(leash, ended, interrupts), name="watchdog", daemon=True
    )
    watchdog.start()
    try:
        yield
    finally:
        ended.set()
        watchdog.join()


def _watch(
    leash: Leash, ended: threading.Event, interrupts: tuple[Callable[[], None], ...]
) -> None:
    longest = leash.stall_timeout.total_seconds()
    while not ended.wait(min(_LOOK, longest / 4)):
        if leash.idle <= longest:
            continue
        leash.give_up()
        for interrupt in interrupts:
            with suppress(Exception):  # what it would have freed has just ended by itself
                interrupt()
        leash.moved()
