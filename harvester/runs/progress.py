"""How far a step has come: told to people who watch, and to the log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """Told by a step while it works."""

    def expect(self, total: int, *, size: int = 0) -> None:
        """So many items are to come, and so many bytes with them; 0 if nobody knows."""
        ...

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        ...


class _Silent:
    def expect(self, total: int, *, size: int = 0) -> None:
        pass

    def advance(self, count: int = 1) -> None:
        pass


SILENT: Progress = _Silent()
"""For whoever does not want to know."""

Received = Callable[[], int]
"""How many bytes of files have come so far; asked now and then, from any thread."""


class Screen(Protocol):
    """Where a person watches."""

    def bar(self, label: str, received: Received) -> AbstractContextManager[Progress]:
        """Show a bar meanwhile."""
        ...

    def leave(self) -> None:
        """Make the terminal fit for others, now; for who is about to end the process at once."""
        ...


class _Watch:
    """Who watches this process: one person at most, since it has one terminal."""

    def __init__(self) -> None:
        self.screen: Screen | None = None

    def bar(self, label: str, received: Received) -> AbstractContextManager[Progress]:
        return self.screen.bar(label, received) if self.screen else nullcontext(SILENT)

    def leave(self) -> None:
        """To be called before ``os._exit``."""
        if self.screen:
            self.screen.leave()


WATCH = _Watch()
"""Set by `harvester.logs.progress_display.displayed`, and by nobody in the daemon."""
