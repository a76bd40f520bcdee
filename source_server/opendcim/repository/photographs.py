"""What pictures tell besides what they show: where they were taken, when, by whose camera.

Nobody shall learn from a picture who submitted it, so that goes before it is kept. What is shown
stays as it is, byte for byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import Image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SHOWN = frozenset({
    "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "pHYs", "bKGD",
    "acTL", "fcTL", "fdAT",
})  # fmt: skip
"""The chunks of a PNG that matter for what it shows."""

_START_OF_SCAN, _EXIF, _COMMENT = 0xDA, 0xE1, 0xFE
_TOLD = frozenset({_EXIF, 0xED, _COMMENT})
"""EXIF and XMP, what Photoshop adds, comments."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""
_ORIENTATION = 0x0112


def without_particulars(kind: str, content: bytes, orientation: int) -> bytes:
    """Of a whole picture, whose ``kind`` is Pillow's. A photograph that lies on its side is shown
    upright by what EXIF says, so that is kept. Raises `ValueError` if it is not built as it should
    be."""
    match kind:
        case "PNG":
            return _PNG_SIGNATURE + b"".join(_shown_chunks(content))
        case "JPEG":
            return b"\xff\xd8" + _orientation(orientation) + b"".join(_shown_segments(content))
        case _:
            return content


def orientation_of(image: Image.Image) -> int:
    """1 to 8; 1 is upright."""
    found = image.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1  # noqa: PLR2004 - see above


def _shown_chunks(content: bytes) -> Iterator[bytes]:
    place = len(_PNG_SIGNATURE)
    while place < len(content):
        length = _number(content, place, ">I")
        end = place + length + 12
        name = content[place + 4 : place + 8].decode("latin-1")
        if end > len(content):
            raise ValueError("a chunk reaches beyond the end")
        if name in _SHOWN:
            yield content[place:end]
        if name == "IEND":
            return
        place = end


def _shown_segments(content: bytes) -> Iterator[bytes]:
    place = 2
    while True:
        if content[place : place + 1] != b"\xff":
            raise ValueError("a segment has no marker")
        while content[place + 1 : place + 2] == b"\xff":  # may be there any number of times
            place += 1
        marker = content[place + 1]
        if marker == _START_OF_SCAN:
            yield content[place:]
            return
        end = place + 2 if marker in _ALONE else place + 2 + _number(content, place + 2, ">H")
        if marker not in _TOLD:
            yield content[place:end]
        place = end


def _orientation(orientation: int) -> bytes:
    """A segment that says nothing else."""
    if orientation == 1:
        return b""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    data = exif.tobytes()
    data = data if data.startswith(b"Exif\0\0") else b"Exif\0\0" + data
    return struct.pack(">BBH", 0xFF, _EXIF, len(data) + 2) + data


def _number(content: bytes, place: int, form: str) -> int:
    try:
        (number,) = struct.unpack_from(form, content, place)
    except struct.error as error:
        raise ValueError("it ends too early") from error
    return int(number)
