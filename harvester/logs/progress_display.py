"""Progress bars at a terminal: one display for all sections of the process.

Bars are shown if standard error is a terminal. Output appears above the bars.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from harvester.runs.amounts import shown_size
from harvester.runs.progress import WATCH, Progress, Received

_DUMB = frozenset({"", "dumb", "unknown"})
# Shows the cursor again, which the bars hide.
_CURSOR = b"\r\n\x1b[?25h"


class _Amounts(ProgressColumn):
    """``12/40  1.2 GB/3.4 GB  35.0 MB/s``"""

    def render(self, task: Task) -> RenderableType:
        done, total, size = (task.fields[name] for name in ("done", "items", "size"))
        came, speed = task.fields["came"], task.finished_speed or task.speed or 0
        parts = [f"{done:,}/{total:,}" if total else f"{done:,}"]
        if came or size:
            parts.append(f"{shown_size(came)}/{shown_size(size)}" if size else shown_size(came))
        parts.append(f"{shown_size(speed)}/s" if size else f"{speed:,.0f}/s")
        return Text("  ".join(parts), style="progress.data.speed")


class _Bars(Bars):
    """Asks for the number of bytes that have come, before each refresh."""

    def get_renderables(self) -> Iterable[RenderableType]:
        with self._lock:  # else a task could be removed meanwhile
            for task in self.tasks:
                self._look(task)
            return list(super().get_renderables())

    def _look(self, task: Task) -> None:
        came = task.fields["received"]() - task.fields["before"]
        self.update(task.id, came=came, completed=float(came) if task.fields["size"] else None)


class _Bar:
    """The bar of one step. It counts bytes if their number is known, else items."""

    def __init__(self, bars: Bars, task: TaskID) -> None:
        self._bars = bars
        self._task = task
        self._done = self._size = 0

    def expect(self, total: int, *, size: int = 0) -> None:
        self._size = size
        self._bars.update(self._task, total=size or total, items=total, size=size)

    def advance(self, count: int = 1) -> None:
        self._done += count
        completed = None if self._size else float(self._done)
        self._bars.update(self._task, done=self._done, completed=completed)


class _Display:
    def __init__(self, bars: Bars, terminal: int) -> None:
        self._bars = bars
        self._terminal = terminal

    @contextmanager
    def bar(self, label: str, received: Received) -> Iterator[Progress]:
        fields: dict[str, Any] = {"done": 0, "items": 0, "size": 0, "came": 0}
        task = self._bars.add_task(
            label, total=None, received=received, before=received(), **fields
        )
        try:
            yield _Bar(self._bars, task)
        finally:
            self._bars.remove_task(task)

    def leave(self) -> None:
        # another thread may hold the console's lock, and is not waited for
        with suppress(OSError):
            os.write(self._terminal, _CURSOR)


def is_watched(stream: TextIO) -> bool:
    """Whether standard error is a terminal that can show bars."""
    return stream.isatty() and os.environ.get("TERM", "") not in _DUMB


@contextmanager
def displayed() -> Iterator[None]:
    """Show a bar for every step of every section while the block runs, if standard error is a
    terminal."""
    if WATCH.screen is not None or not is_watched(sys.stderr):
        yield
        return
    terminal = sys.stderr.fileno()
    with _bars() as bars:
        WATCH.screen = _Display(bars, terminal)
        try:
            yield
        finally:
            WATCH.screen = None


@contextmanager
def _bars() -> Iterator[Bars]:
    bars = _Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        _Amounts(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr, highlight=False),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else it goes to a file, and tears nothing
    )
    before = sys.stderr
    with bars, _log_above(before):
        yield bars


@contextmanager
def _log_above(before: TextIO) -> Iterator[None]:
    """Send the log lines for standard error through the display while the block runs."""
    moved = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is before
    ]
    for handler in moved:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in moved:
            handler.setStream(before)
