"""SIGTERM and SIGINT: the first signal ends the work in good order, the second at once.

Python runs signal handlers in the main thread, between two of its steps: late, if that waits for a
database, and in the middle of any lock that it holds. So the handlers here do nothing; the signal
numbers come through a pipe to a thread of their own.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harvester.runs.stopping import StopRequest

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger(__name__)


@contextmanager
def stopping_on_signals(request: StopRequest) -> Iterator[None]:
    """Within the block, the first signal sets the request. A second one ends the process as SIGKILL
    would, with code 128 and the signal's number: what was committed stays, the next run goes on.
    Outside of the main thread, signals are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = socket.socketpair()
    # `set_wakeup_fd` refuses a descriptor that blocks.
    writer.setblocking(False)  # noqa: FBT003 - the socket's own way
    listener = threading.Thread(target=_listen, args=(reader, request), daemon=True, name="signals")
    listener.start()
    descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, _nothing) for number in _SIGNALS}
    try:
        yield
    finally:
        # In this order no signal is written to a closed descriptor; `close` ends the listener.
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(descriptor)
        writer.close()
        listener.join()
        reader.close()


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Python writes to the pipe only for signals that have a handler."""


def _listen(reader: socket.socket, request: StopRequest) -> None:
    while received := reader.recv(1):
        if received[0] in _SIGNALS:
            _stop(signal.Signals(received[0]), request)


def _stop(number: signal.Signals, request: StopRequest) -> None:
    if request.is_set:
        logger.warning("%s again: leaving at once; the next run goes on from here", number.name)
        # `sys.exit` would end this thread alone.
        os._exit(128 + number)
    logger.warning("%s: what is at hand is finished; once more to leave at once", number.name)
    request.set(f"told to stop by {number.name}", number)
