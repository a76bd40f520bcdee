"""Sends the chunks of a generator as fast as the client takes them, and no faster.

A generator holds an open file or a snapshot of a database. It is closed as soon as the answer is
sent, the client has gone, or has taken nothing for a long time. Generators run in worker threads,
not always the same one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping

import anyio
import anyio.to_thread
from isal import isal_zlib
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

# Seconds for which a client may take nothing before it is cut off.
PATIENCE = 600.0

# Level of gzip: resource lists shrink to a tenth already, and must not wait for it. ISA-L packs
# them four times as fast as zlib.
_LEVEL = 1
# Window bits: with a gzip header.
_GZIP = 16 + 15


class StreamedResponse(StreamingResponse):
    """A response from chunks. ``close`` is called when no more chunks will be drawn, however it
    ended."""

    def __init__(
        self,
        chunks: Iterator[bytes],
        *,
        close: Callable[[], None],
        headers: Mapping[str, str],
        status_code: int = 200,
    ) -> None:
        body = iterate_in_threadpool(self._one_at_a_time(chunks))
        super().__init__(body, status_code=status_code, headers=headers)
        self._close = close
        self._in_use = threading.Lock()

    async def stream_response(self, send: Send) -> None:
        async def send_or_give_up(message: Message) -> None:
            with anyio.fail_after(PATIENCE):
                await send(message)

        try:
            await super().stream_response(send_or_give_up)
        finally:
            # The task may be cancelled by now; the generator must be closed all the same.
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._close_when_unused)

    def _one_at_a_time(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            with self._in_use:
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def _close_when_unused(self) -> None:
        """Close when no thread draws a chunk: a server that shuts down may cancel this task
        meanwhile."""
        with self._in_use:
            self._close()


def gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Compress the chunks. The first one is flushed, so that it arrives at once. If the chunks
    break off, the stream lacks the end that would make it whole."""
    packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    for number, chunk in enumerate(chunks):
        packed = packer.compress(chunk)
        if number == 0:
            packed += packer.flush(isal_zlib.Z_SYNC_FLUSH)
        if packed:
            yield packed
    yield packer.flush()


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the header allows gzip; a weight of 0 forbids an encoding (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        name, _, parameters = item.partition(";")
        weights[name.strip()] = _weight(parameters)
    for name in ("gzip", "x-gzip", "*"):
        if name in weights:
            return weights[name] > 0
    return False


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
