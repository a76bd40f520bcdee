"""Pictures of templates: checked by their content, and stored under its hash.

A client's name and type are ignored. A file that Pillow can read whole as PNG, JPEG or GIF, of a
sensible size, is stored without its metadata; everything else is refused, SVG too, since it can
contain programs.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from PIL import Image

from opendcim.repository.photographs import orientation_of, without_particulars
from opendcim.repository.refusals import BAD_REQUEST, RefusalError
from opendcim.repository.stored import StoredPicture
from shared.atomic_file import write_atomically

_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
# Pillow's name for a JPEG with further pictures behind the first one.
_SEVERAL = "MPO"
# Decoded, this is a hundred megabytes; front views of devices have one or two million.
_MOST_PIXELS = 25_000_000
# Two pictures at a time, since a small file may become a hundred megabytes. Two threads of their
# own, because the C library keeps freed memory for each thread.
_DECODERS = ThreadPoolExecutor(2, thread_name_prefix="decoder")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# What is being written; earlier versions wrote to names of the second form.
_PART = re.compile(r"(?:\.[0-9a-f]{32}|tmp[a-z0-9_]{8})\.part")


class PictureStore:
    """A folder of files named by the hash of their content."""

    def __init__(self, folder: Path, *, largest: int) -> None:
        self._folder = folder
        # Bytes.
        self.largest = largest

    def add(self, name: str, content: bytes) -> StoredPicture:
        """Checks and stores it. Raises `RefusalError`."""
        if len(content) > self.largest:
            raise _refused(name, f"is larger than {self.largest:,} bytes")
        kind, width, height, kept = _looked_at(name, content)
        picture = StoredPicture(
            name=name,
            sha256=hashlib.sha256(kept).hexdigest(),
            media_type=_TYPES[kind],
            width=width,
            height=height,
        )
        place = self.place(picture.sha256)
        if not place.exists():
            # Under a name of its own first: two clients may send the same picture at a time.
            write_atomically(place, kept, mode=0o600, writer=uuid4().hex)
        return picture

    def place(self, sha256: str) -> Path:
        # Only a hash becomes a path, so no text of a row or a request leads out of the folder.
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no SHA-256")
        return self._folder / sha256[:2] / sha256

    def remove_others(self, needed: Collection[str], *, older_than: float) -> int:
        """Removes what is not needed and was written before that time; returns how many."""
        others = [
            place
            for place in self._folder.glob("??/*")
            if _is_ours(place) and place.name not in needed and place.stat().st_mtime < older_than
        ]
        for place in others:
            place.unlink()
        return len(others)

    def prepare(self) -> None:
        """Creates the folder. Raises `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # mkdir accepts an existing folder that is read-only; then only the first upload would fail.
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "not writable", str(self._folder))


def _is_ours(place: Path) -> bool:
    """Whether the store named the file: a picture, or one that a killed program left unfinished."""
    named = _SHA256.fullmatch(place.name) and place.name.startswith(place.parent.name)
    return bool(named or _PART.fullmatch(place.name))


def _looked_at(name: str, content: bytes) -> tuple[str, int, int, bytes]:
    """Format, width, height, and the content to store; decoded once, to be sure that it is
    intact."""
    try:
        kind, width, height, orientation = _DECODERS.submit(_decoded, content).result()
        if orientation is not None:
            return kind, width, height, without_particulars(kind, content, orientation)
    except Exception as error:  # a decoder raises anything when it is fed anything
        raise _refused(name, "is no whole PNG, JPEG or GIF") from error
    # This refusal is raised outside the try, which would take it for a fault of the decoder.
    raise _refused(name, f"has {width} x {height} pixels, which is too much")


def _decoded(content: bytes) -> tuple[str, int, int, int | None]:
    """Format, width, height and orientation of a whole picture; no orientation if it is too large
    to be decoded. What was decoded is freed when this returns."""
    with Image.open(BytesIO(content), formats=tuple(_TYPES)) as image:
        # Image.open reads the header only, so the size is known before memory is used for pixels.
        width, height = image.size
        kind = "JPEG" if image.format == _SEVERAL else str(image.format)
        if width * height > _MOST_PIXELS:
            return kind, width, height, None
        image.load()
        return kind, width, height, orientation_of(image)


def _refused(name: str, reason: str) -> RefusalError:
    return RefusalError(BAD_REQUEST, f"The picture {name!r} {reason}; it was not kept")
