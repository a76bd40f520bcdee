"""A process between two programs that holds back each answer for a while, as a long way would.

``python -m tests.benchmarks.relay <port> <port of the server> <seconds>``
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass

_BLOCK = 1 << 18


@dataclass(slots=True)
class _Line:
    """One connection. HTTP asks and answers in turn: what comes after a request is its answer."""

    delay: float
    is_asked: bool = False

    async def upwards(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while data := await client.read(_BLOCK):
            self.is_asked = True
            server.write(data)
            await server.drain()
        server.close()

    async def downwards(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await server.read(_BLOCK):
            if self.is_asked:
                self.is_asked = False
                await asyncio.sleep(self.delay)
            client.write(data)
            await client.drain()
        client.close()


async def relay(port: int, target: int, delay: float) -> None:
    async def connected(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, requests = await asyncio.open_connection("127.0.0.1", target)
        line = _Line(delay)
        with suppress(ConnectionError):
            await asyncio.gather(line.upwards(client, requests), line.downwards(server, answers))

    listener = await asyncio.start_server(connected, "127.0.0.1", port)
    await listener.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
