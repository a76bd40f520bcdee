"""What becomes of an error: it ends at an edge, goes to another thread, or passes a clean-up.

`tests/unit/test_broad_excepts.py` lists every place where an error of any class may end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from shared.errors import SyncError

T = TypeVar("T")


class ErrorEdge:
    """The edge of a section, a thread or a notice: an error within is logged, and ends here.

    It is logged as ``text % args`` with its traceback; a `SyncError` as ``brief % error`` in one
    line, if ``brief`` is given. Errors of the classes ``passing`` go on. ``error`` is what ended
    here, if anything did.
    """

    def __init__(
        self,
        log: logging.Logger,
        text: str,
        *args: object,
        brief: str = "",
        passing: tuple[type[Exception], ...] = (),
    ) -> None:
        self._log = log
        self._text = text
        self._args = args
        self._brief = brief
        self._passing = passing
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _class: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool:
        # KeyboardInterrupt and SystemExit are no `Exception`: they are to end the program, not only
        # a block of it.
        if not isinstance(error, Exception) or isinstance(error, self._passing):
            return False
        self.error = error
        if self._brief and isinstance(error, SyncError):
            self._log.error(self._brief, error)
        else:
            self._log.error(self._text, *self._args, exc_info=error)
        return True


class OnError:
    """Calls ``undo`` if the block is left by an error of any class, which then goes on."""

    def __init__(self, undo: Callable[[], object]) -> None:
        self._undo = undo

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if error_class is not None:
            self._undo()


def settle(outcome: Future[T], work: Callable[[], T]) -> None:
    """Do the work; what it returns or raises is the outcome, for the threads that wait for it."""
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is awaited
        outcome.set_exception(error)
