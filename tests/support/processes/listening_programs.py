"""Programs of the project as processes of their own, which listen at a port of this machine."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.instances.instance import PROJECT

_PATIENCE = 60.0


def free_port() -> int:
    """A port on which nothing listens, nor will soon: it is none of those that the system gives to
    connections and servers by itself (on Linux from 32768 on), also in other tests at work."""
    while True:
        port = secrets.choice(range(12_000, 32_000))
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def program(*arguments: str, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A module of the project, which listens once the block begins. ``log``: what it says."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=PROJECT, stderr=errors, stdout=errors
        )
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(arguments)} did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
