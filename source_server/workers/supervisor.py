"""The parent of several workers: it starts them, replaces those that end, and stops them all.

It has one thread and opens no database, so that it can start a worker at any time by a fork.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from typing import NoReturn

from source_server.workers.census import CENSUS, Census
from source_server.workers.doorman import Door, Doorman, Doors
from source_server.workers.keeper import Keeper
from source_server.workers.link import Link, Ready
from source_server.workers.worker import Running, Work, Worker, ending, exit_code

# Seconds: the longest pause before a worker is started that has failed several times, and the time
# after which a failure is forgotten.
_LONGEST_PAUSE = 30.0
_WELL = 60.0

_STOPPING = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


class Supervisor:
    """``work`` is done in each worker. Connections to ``listener`` are handed to them."""

    def __init__(self, count: int, listener: socket.socket, limits: Doors, work: Work) -> None:
        self._count = count
        self._listener = listener
        self._work = work
        self._running: dict[int, Running] = {}
        self._doorman = Doorman(
            listener, limits, lambda: (each.door for each in self._running.values())
        )
        self._census = Census(count)
        self._keeper = Keeper(**{CENSUS: self._census})
        self._selector = selectors.DefaultSelector()
        self._holders = 0
        # Times at which the places are to be filled, and their failures in a row.
        self._due: dict[int, float] = {}
        self._failures = [0] * count
        self._is_open = False
        self._is_listening = False
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Returns the exit code: 0 after a signal to stop, or that of the first worker if it ends
        before it serves."""
        self._listener.settimeout(0)
        with self._signals() as caught:
            self._start(0)
            while self._running or self._due:
                self._wait()
                self._heed(caught)
                self._reap()
                self._fill()
        self._selector.close()
        return self._code

    @contextmanager
    def _signals(self) -> Iterator[list[signal.Signals]]:
        """Collect signals; each of them wakes the selector."""
        caught: list[signal.Signals] = []
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.settimeout(0)

        def emptied() -> None:
            with suppress(BlockingIOError):
                while ours.recv(4096):
                    pass

        self._selector.register(ours, selectors.EVENT_READ, emptied)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        before = {number: signal.getsignal(number) for number in (*_STOPPING, signal.SIGCHLD)}
        for number in _STOPPING:
            signal.signal(number, lambda number, _: caught.append(signal.Signals(number)))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            yield caught
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            for end in (ours, theirs):
                end.close()

    def _wait(self) -> None:
        """Until something happens or is due; what workers say is heard before new connections."""
        due = min(self._due.values(), default=None)
        patience = None if due is None else max(0.0, due - time.monotonic())
        events = self._selector.select(patience)
        for key, _ in sorted(events, key=lambda event: event[0].fileobj is self._listener):
            key.data()

    def _heed(self, caught: list[signal.Signals]) -> None:
        """Pass signals on. A second SIGINT makes workers end at once, as it would one process."""
        while caught:
            number = caught.pop(0)
            if not self._stopping:
                self._stopping = True
                self._due.clear()
                self._listen(wanted=False)
                self._listener.close()
            for each in self._running.values():
                os.kill(each.pid, number)
                # One that is just beginning to serve may have ignored the signal, but sees this.
                with suppress(OSError):
                    each.door.way.shutdown(socket.SHUT_WR)

    def _listen(self, *, wanted: bool) -> None:
        """Accept connections, or leave them waiting."""
        if wanted and not self._is_listening:
            self._selector.register(self._listener, selectors.EVENT_READ, self._doorman.let_in)
        elif self._is_listening and not wanted:
            self._selector.unregister(self._listener)
        self._is_listening = wanted

    def _listen_if_served(self) -> None:
        """Without a worker that takes connections they wait."""
        served = any(each.door.is_open for each in self._running.values())
        self._listen(wanted=served and not self._stopping)

    def _start(self, place: int) -> None:
        """Start a worker."""
        self._holders += 1
        calls, theirs = Pipe()
        way, their_way = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal that came in between would be lost in the worker.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        pid = os.fork()
        if pid == 0:
            calls.close()
            way.close()
            self._become(
                Worker(
                    place=place,
                    is_first=not self._is_open,
                    link=Link(theirs, self._holders),
                    door=their_way,
                )
            )
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        theirs.close()
        their_way.close()
        running = Running(
            place=place,
            pid=pid,
            calls=calls,
            door=Door(self._holders, way),
            begun=time.monotonic(),
        )
        self._running[place] = running
        self._census.began(pid)
        self._selector.register(calls, selectors.EVENT_READ, lambda: self._hear(running))
        self._selector.register(way, selectors.EVENT_READ, lambda: self._notice(running))

    def _become(self, worker: Worker) -> NoReturn:
        """In the new process: let go of all that is the parent's, and work."""
        code = 1
        try:
            # Ctrl-C then reaches the parent alone, which passes it on.
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # A worker that kept another one's end would keep the parent's death from it.
            for other in self._running.values():
                other.calls.close()
                other.door.way.close()
            self._selector.close()
            self._listener.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
            code = self._work(worker)
        finally:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _hear(self, running: Running) -> None:
        """Answer a call."""
        try:
            message = running.calls.recv()
            if not isinstance(message, Ready):
                running.calls.send(self._keeper.answer(message))
                return
        except (EOFError, OSError):
            self._selector.unregister(running.calls)
            return
        if not self._stopping:
            self._open(running)

    def _open(self, running: Running) -> None:
        """Hand connections to a worker that serves now; the first one shows that others can."""
        running.door.is_open = True
        self._listen_if_served()
        place = running.place + 1
        _log.info("worker %d of %d (process %d) serves", place, self._count, running.pid)
        if not self._is_open:
            self._is_open = True
            self._due |= dict.fromkeys(range(1, self._count), time.monotonic())

    def _notice(self, running: Running) -> None:
        """Read what a worker says of its connections."""
        try:
            goes_on = self._doorman.heard(running.door)
        except OSError:
            goes_on = False
        if not goes_on:
            self._selector.unregister(running.door.way)
        self._listen_if_served()

    def _reap(self) -> None:
        for running in list(self._running.values()):
            pid, status = os.waitpid(running.pid, os.WNOHANG)
            if pid:
                self._bury(running, status)

    def _bury(self, running: Running, status: int) -> None:
        """Free what a worker held that has ended."""
        del self._running[running.place]
        self._census.ended(running.pid)
        for end in (running.calls, running.door.way):
            with suppress(KeyError):
                self._selector.unregister(end)
            end.close()
        self._keeper.release(running.door.holder)
        self._doorman.release(running.door.holder)
        if not self._is_open:
            self._code = exit_code(status)
        elif not self._stopping:
            self._replace(running, status)

    def _replace(self, running: Running, status: int) -> None:
        """At once, or after a pause if this is not the first failure in a row."""
        if time.monotonic() - running.begun >= _WELL:
            self._failures[running.place] = 0
        failures = self._failures[running.place]
        self._failures[running.place] += 1
        pause = min(2.0 ** (failures - 1), _LONGEST_PAUSE) if failures else 0.0
        self._due[running.place] = time.monotonic() + pause
        _log.warning(
            "worker %d of %d (process %d) has ended (%s); another one takes its place%s",
            *(running.place + 1, self._count, running.pid, ending(status)),
            f" in {pause:.0f} s" if pause else "",
        )
        self._listen_if_served()

    def _fill(self) -> None:
        now = time.monotonic()
        for place in [place for place, due in self._due.items() if due <= now]:
            del self._due[place]
            self._start(place)
