"""Files, read a block at a time: no program ever holds a large one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_BLOCK = 1 << 20
"""Bytes."""


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """All bytes from where the file stands."""
    while block := file.read(_BLOCK):
        yield block


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file that is there."""

    path: Path

    def blocks(self) -> Iterator[bytes]:
        """All its bytes, each time from the beginning on."""
        with self.path.open("rb") as file:
            yield from blocks(file)
