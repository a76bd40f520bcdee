"""A time limit for work that waits for another machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from shared.edges import settle

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Returns or raises what the work does. `TimeoutError` after the limit.

    The time-outs of a socket are not enough: they start again with each byte. Work that is given up
    goes on in a thread, which does not keep the process alive.
    """
    outcome: Future[T] = Future()
    threading.Thread(target=settle, args=(outcome, work), name="bounded work", daemon=True).start()
    return outcome.result(timeout=seconds)
