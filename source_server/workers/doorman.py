"""The parent's side of connections: it accepts them, and hands each to the worker with the fewest.

Workers that accepted by themselves would not share clients out evenly: the first to wake up would
get several at once. The limits of connections hold for the whole server, since all come through
here.
"""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from shared.client_address import client_address

# A connection's number, in both directions.
NUMBER = struct.Struct("!Q")
# The number by which a worker says that it takes no more connections.
NO_MORE = 0

# Connections that are accepted in one go.
_AT_ONCE = 64
# Seconds without new connections when the system has no room for one.
_PAUSE = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Limits of open connections: in all, and of one address."""

    most: int
    most_of_address: int


class Door:
    """The way to one worker. Messages are never split: a number with a connection to it, a number
    without one from it."""

    def __init__(self, holder: int, way: socket.socket) -> None:
        way.settimeout(0)
        self.holder = holder
        self.way = way
        self.is_open = False

    def pass_on(self, number: int, connection: socket.socket) -> bool:
        """Hand a connection to the worker; False if it cannot take one now."""
        try:
            socket.send_fds(self.way, [NUMBER.pack(number)], [connection.fileno()])
        except OSError:
            return False
        return True


class Doorman:
    """``listener`` is in non-blocking mode."""

    def __init__(
        self, listener: socket.socket, limits: Doors, doors: Callable[[], Iterable[Door]]
    ) -> None:
        self._listener = listener
        self._limits = limits
        self._doors = doors
        self._numbers = count(NO_MORE + 1)
        # Worker and address of each open connection.
        self._open: dict[int, tuple[int, str]] = {}
        self._of_address: Counter[str] = Counter()
        self._of_holder: Counter[int] = Counter()

    def let_in(self) -> None:
        """Accept what is waiting."""
        for _ in range(_AT_ONCE):
            try:
                connection, place = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:  # the client has gone already
                continue
            except OSError as error:
                _log.error("no connection can be accepted: %s", error.strerror)
                time.sleep(_PAUSE)
                return
            with connection:
                self._hand_over(connection, client_address(place[0]))

    def heard(self, door: Door) -> bool:
        """Read what a worker says of its connections; False if it will say no more."""
        with suppress(BlockingIOError):
            while message := door.way.recv(NUMBER.size):
                (number,) = NUMBER.unpack(message)
                if number == NO_MORE:
                    door.is_open = False
                else:
                    self._forget(number)
            return False
        return True

    def release(self, holder: int) -> None:
        """Forget the connections of a worker that has ended."""
        for number in [n for n, (owner, _) in self._open.items() if owner == holder]:
            self._forget(number)

    def _hand_over(self, connection: socket.socket, address: str) -> None:
        """Connections beyond the limits are closed at once."""
        full = self._of_address[address] >= self._limits.most_of_address
        if full or len(self._open) >= self._limits.most:
            return
        number = next(self._numbers)
        doors = [door for door in self._doors() if door.is_open]
        for door in sorted(doors, key=lambda one: (self._of_holder[one.holder], one.holder)):
            if door.pass_on(number, connection):
                self._open[number] = door.holder, address
                self._of_address[address] += 1
                self._of_holder[door.holder] += 1
                return

    def _forget(self, number: int) -> None:
        if number in self._open:
            holder, address = self._open.pop(number)
            self._of_address -= Counter({address: 1})
            self._of_holder -= Counter({holder: 1})
