"""Reads files a block at a time, so that no program holds a large one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# Bytes.
_BLOCK = 1 << 20


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """All bytes from the file's position on."""
    while block := file.read(_BLOCK):
        yield block


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file on disk."""

    path: Path

    def blocks(self) -> Iterator[bytes]:
        """All its bytes; each call begins at the start."""
        with self.path.open("rb") as file:
            yield from blocks(file)
