"""Commands of the harvester as processes of their own, whose lines a test waits for; and sources
that wait for the test."""

from __future__ import annotations

import asyncio
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.instances.harvests import Harvest

PATIENCE = 60.0


class Program:
    """A process and all that it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._coming: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._coming.put(line.rstrip("\n"))
        self._coming.put(None)

    def says(self, *texts: str) -> str:
        """The next line that contains all of these; one that came before does not count."""
        deadline = time.monotonic() + PATIENCE
        while (line := self._next(deadline)) is not None:
            self.lines.append(line)
            if all(text in line for text in texts):
                return line
        raise AssertionError(f"it never said {texts}:\n{self.output}")

    def _next(self, deadline: float) -> str | None:
        try:
            return self._coming.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self) -> int:
        """Its exit code, when it has one."""
        code = self.process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while (line := self._next(deadline)) is not None:
            self.lines.append(line)
        return code

    def stops(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.tell(number)
        return self.ends()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)


@contextmanager
def started(harvest: Harvest, command: str, *options: str) -> Iterator[Program]:
    """A command at work; killed if it still is in the end."""
    process = harvest.start(command, *options)
    program = Program(process)
    try:
        yield program
    finally:
        process.kill()
        process.wait(PATIENCE)
        program._reader.join(PATIENCE)
        if process.stdout:
            process.stdout.close()


class Gate:
    """Stands before a source: whoever asks for something below the path waits until it opens."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._reached = threading.Event()
        self._opened = threading.Event()

    def __call__(self, app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"].startswith(self._path):
                self._reached.set()
                while not self._opened.is_set():
                    await asyncio.sleep(0.02)
            await app(scope, receive, send)

        return application

    def wait(self) -> None:
        """Until somebody stands before it."""
        assert self._reached.wait(PATIENCE)

    def open(self) -> None:
        self._opened.set()


class Switch:
    """Stands before a source, which is out of order while it is off."""

    def __init__(self) -> None:
        self.on = False
        self.refused = 0

    def __call__(self, app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if self.on or scope["type"] != "http":
                await app(scope, receive, send)
                return
            self.refused += 1
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"out of order"})

        return application
