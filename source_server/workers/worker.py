"""What a worker is: as it sees itself, and as its parent sees it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from source_server.workers.doorman import Door
from source_server.workers.link import Link

# Added to the number of a signal that ended a process, as shells do.
_OF_SIGNAL = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What a worker is given. ``place`` is its number among the workers, from 0; the worker that
    replaces it has the same. ``is_first``: it is the first one of this server."""

    place: int
    is_first: bool
    link: Link
    door: socket.socket


# Serves, and returns the exit code.
Work = Callable[[Worker], int]


@dataclass(slots=True, kw_only=True)
class Running:
    """A worker, as the parent sees it."""

    place: int
    pid: int
    calls: Connection
    door: Door
    begun: float


def exit_code(status: int) -> int:
    """The exit code for a status of `os.waitpid`."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _OF_SIGNAL - code


def ending(status: int) -> str:
    """How a process ended, in words."""
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
