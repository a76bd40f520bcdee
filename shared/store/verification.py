"""Whether a file is what a list says it is."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from shared.model.entities import FileNode

_BLOCK = 1 << 20


def matches(path: Path, file: FileNode) -> bool:
    """Compare length, CRC32 and checksum, as far as they are known; a length alone proves
    nothing, so False if neither CRC32 nor a checksum of a known algorithm is announced."""
    if path.stat().st_size != file.length:
        return False
    algorithm, _, digest = (file.checksum or "").partition(":")
    known = algorithm.lower() in hashlib.algorithms_available
    if file.crc32 is None and not known:
        return False
    crc32 = 0
    hasher = hashlib.new(algorithm.lower(), usedforsecurity=False) if known else None
    with path.open("rb") as content:
        while block := content.read(_BLOCK):
            crc32 = zlib.crc32(block, crc32)
            if hasher:
                hasher.update(block)
    same_crc = file.crc32 is None or file.crc32 == crc32
    return same_crc and (hasher is None or hasher.hexdigest() == digest.lower())
