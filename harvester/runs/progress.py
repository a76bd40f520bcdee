"""The progress of a step, for progress bars and the log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """A step reports its progress here."""

    def expect(self, total: int, *, size: int = 0) -> None:
        """Announce how many items and bytes will come; 0 if that is unknown."""
        ...

    def advance(self, count: int = 1) -> None:
        """Report that ``items`` more are done."""
        ...


class _Silent:
    def expect(self, total: int, *, size: int = 0) -> None:
        pass

    def advance(self, count: int = 1) -> None:
        pass


# For whoever does not want to know.
SILENT: Progress = _Silent()

# How many bytes of files have come so far; asked now and then, from any thread.
Received = Callable[[], int]


class Screen(Protocol):
    """A terminal that shows progress bars."""

    def bar(self, label: str, received: Received) -> AbstractContextManager[Progress]:
        """Show a bar while the block runs."""
        ...

    def leave(self) -> None:
        """Restore the terminal at once, before the process ends."""
        ...


class _Watch:
    """The screen of this process: at most one, since a process has one terminal."""

    def __init__(self) -> None:
        self.screen: Screen | None = None

    def bar(self, label: str, received: Received) -> AbstractContextManager[Progress]:
        return self.screen.bar(label, received) if self.screen else nullcontext(SILENT)

    def leave(self) -> None:
        """Call this before ``os._exit``."""
        if self.screen:
            self.screen.leave()


# Set by `harvester.logs.progress_display.displayed`, and by nobody in the daemon.
WATCH = _Watch()
