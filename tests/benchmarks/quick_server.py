"""The least that a web server can do: files from memory, to everybody, without looking.

What is left of a client's time with it is the client's own.
``python -m tests.benchmarks.quick_server <port> <data store folder>``
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from shared.resourcesync.addresses import DATA_STORE_PATH

_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Date: Mon, 01 Jan 2024 08:00:00 GMT\r\n"
    b'ETag: "one"\r\n'
    b"Content-Type: application/octet-stream\r\n"
    b"Content-Length: %d\r\n\r\n"
)


class _Connection(asyncio.Protocol):
    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._read = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._read = (self._read + data).split(b"\r\n\r\n")
        for request in requests:
            if self._transport:
                self._transport.write(self._answers[request.split(b" ", 2)[1]])


def _answers(store_root: Path) -> dict[bytes, bytes]:
    """By the paths that a list names."""
    found = {}
    for file in store_root.glob("1/*/*/*/*/*/*/*"):
        content = file.read_bytes()
        path = f"{DATA_STORE_PATH}/{file.parents[1].name}/{file.parent.name}/{file.name}"
        found[path.encode()] = _HEAD % len(content) + content
    return found


async def serve(port: int, store_root: Path) -> None:
    answers = _answers(store_root)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answers), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
