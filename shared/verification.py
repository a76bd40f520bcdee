"""Compares bytes with what a list announces of them, while they stream or on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from isal import isal_zlib

from shared.blocks import blocks
from shared.errors import SyncError

# Largest file that is accepted without an announced length. Only the original leaves it out, for
# attachments, and PostgreSQL stores no larger one.
UNANNOUNCED = 1 << 30

_WORD = 0xFFFFFFFF


class VerificationError(SyncError):
    """A file is missing or differs from what was announced. Only its item fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the list says of a file; None where it says nothing. A CRC may have either sign; a
    ``checksum`` (``<ALGORITHM>:<hex>``) with an unknown algorithm is ignored."""

    length: int | None = None
    crc32: int | None = None
    checksum: str | None = None
    sha256: str | None = None

    @property
    def proves(self) -> bool:
        """Whether matching bytes are certainly the right ones: a length alone does not prove it."""
        if self.crc32 is not None or self.sha256 is not None:
            return True
        return _hash_called((self.checksum or "").partition(":")[0]) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file that was fetched and matches; ``sha256`` is lower-case hex."""

    length: int
    sha256: str


class Verifier:
    """Takes a file's chunks; `finish` checks them."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._length = 0
        self._crc32 = 0
        self._sha256 = hashlib.sha256()
        name, _, self._digest = (expected.checksum or "").partition(":")
        self._algorithm = name
        self._other = _hash_called(name)
        # SHA-256 is computed anyway; a second time would cost as much again.
        if self._other is not None and self._other.name == self._sha256.name:
            self._other = self._sha256

    @property
    def length(self) -> int:
        """Bytes so far."""
        return self._length

    def feed(self, chunk: bytes) -> None:
        """Raises `VerificationError` as soon as there are too many bytes: they may never end."""
        self._length += len(chunk)
        self._check_length()
        self._sha256.update(chunk)
        if self._expected.crc32 is not None:
            self._crc32 = isal_zlib.crc32(chunk, self._crc32)
        if self._other is not None and self._other is not self._sha256:
            self._other.update(chunk)

    def _check_length(self) -> None:
        announced = self._expected.length
        if announced is None and self._length > UNANNOUNCED:
            raise VerificationError(
                f"the list does not say how long it is, and more than {UNANNOUNCED:,} bytes came"
            )
        if announced is not None and self._length > announced:
            raise VerificationError(f"more than the {announced} bytes of the list came")

    def finish(self) -> Download:
        """Raises `VerificationError` naming all that differs."""
        wrong = "; ".join(
            f"{what}: the list says {expected}, {found} came"
            for what, expected, found in self._compared()
            if expected != found
        )
        if wrong:
            raise VerificationError(wrong)
        return Download(length=self._length, sha256=self._sha256.hexdigest())

    def _compared(self) -> Iterator[tuple[str, object, object]]:
        expected = self._expected
        if expected.length is not None:
            yield "length", expected.length, self._length
        if expected.crc32 is not None:
            yield "CRC32", expected.crc32 & _WORD, self._crc32
        if expected.sha256 is not None:
            yield "SHA256", expected.sha256.lower(), self._sha256.hexdigest()
        if self._other is not None:
            yield self._algorithm, self._digest.strip().lower(), self._other.hexdigest()


def matches(path: Path, expected: Expected, moved: Callable[[], None] = lambda: None) -> bool:
    """Whether a file on disk matches what was announced; False if nothing that was announced proves
    it. ``moved`` is called after each block, since large files take long."""
    if not expected.proves or path.stat().st_size != expected.length:
        return False
    verifier = Verifier(expected)
    try:
        with path.open("rb") as file:
            for block in blocks(file):
                verifier.feed(block)
                moved()
        verifier.finish()
    except VerificationError:
        return False
    return True


def _hash_called(name: str) -> hashlib._Hash | None:
    """A hash function; ``SHA256``, ``SHA-256`` and ``sha256`` are one; None for one that is not
    available."""
    plain = name.strip().lower()
    for candidate in (plain, plain.replace("-", "_"), plain.replace("-", "")):
        # The SHAKE functions have no digest of a fixed length, so no checksum can name them alone.
        if candidate in hashlib.algorithms_available and not candidate.startswith("shake"):
            return hashlib.new(candidate, usedforsecurity=False)
    return None
