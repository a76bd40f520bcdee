"""Work that must not take longer than it may, whatever the other side does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What the work returns or raises. `TimeoutError` if it has not ended by then.

    The time-outs of a socket do not bound it: they count anew with each byte. Work that is given up
    stays behind in a thread, which does not keep the process alive.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is awaited
            outcome.set_exception(error)

    threading.Thread(target=run, name="bounded work", daemon=True).start()
    return outcome.result(timeout=seconds)
