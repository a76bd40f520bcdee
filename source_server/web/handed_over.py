"""The web server of a worker: its connections are those that the parent hands over."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn

from source_server.web.heads import LimitedProtocol
from source_server.workers.doorman import NO_MORE, NUMBER

# Seconds until a message is sent again for which the parent had no room.
_AGAIN = 0.05


class HandedOverServer(uvicorn.Server):
    """Calls ``started`` when it can serve. When the parent ends, it stops by itself."""

    def __init__(
        self, config: uvicorn.Config, door: socket.socket, started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._door = door
        self._announce = started
        self._arriving: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets or [])
        self._door.settimeout(0)
        asyncio.get_running_loop().add_reader(self._door, self._receive)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._is_closing = True
        self._say(NO_MORE)
        await super().shutdown(sockets=sockets)
        asyncio.get_running_loop().remove_reader(self._door)

    def _receive(self) -> None:
        """Take the next connection."""
        try:
            message, descriptors, *_ = socket.recv_fds(self._door, NUMBER.size, 1)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._end_at_parents_wish()
        for descriptor in descriptors:
            connection = socket.socket(fileno=descriptor)
            (number,) = NUMBER.unpack(message)
            if self._is_closing:
                connection.close()
                self._say(number)
            else:
                task = asyncio.get_running_loop().create_task(self._serve_one(connection, number))
                self._arriving.add(task)
                task.add_done_callback(self._arriving.discard)

    def _end_at_parents_wish(self) -> None:
        """The parent hands over no more: it stops, or has ended."""
        asyncio.get_running_loop().remove_reader(self._door)
        self.should_exit = True

    async def _serve_one(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(0)
        make = partial(self._protocol, number)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(make, connection)
        except OSError:  # the client has gone already
            connection.close()
            self._say(number)

    def _protocol(self, number: int) -> asyncio.Protocol:
        made: Any = self.config.http_protocol_class
        protocol: LimitedProtocol = made(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        protocol.when_lost = partial(self._say, number)
        return protocol

    def _say(self, number: int) -> None:
        """Tell the parent that a connection is closed."""
        try:
            self._door.send(NUMBER.pack(number))
        except BlockingIOError:
            asyncio.get_running_loop().call_later(_AGAIN, self._say, number)
        except OSError:
            pass  # the parent has ended, and this worker is about to
