"""Files, read a block at a time: no program ever holds a large one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_BLOCK = 1 << 20
"""Bytes."""


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """All bytes from where the file stands."""
    while block := file.read(_BLOCK):
        yield block
