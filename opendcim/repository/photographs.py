"""Removes from pictures what their files say besides the picture: place, time, camera.

A picture is written anew with the parts that its appearance depends on: no comments, no EXIF, no
second picture, nothing behind its end. Those parts are copied byte for byte.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from PIL import Image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The chunks of a PNG that its appearance depends on.
_KEPT_CHUNKS = frozenset({
    "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "pHYs", "bKGD",
    "acTL", "fcTL", "fdAT",
})  # fmt: skip

_START_OF_SCAN, _END, _EXIF = 0xDA, 0xD9, 0xE1
# Segments of applications (EXIF, XMP, previews, further pictures) and comments.
_DROPPED_SEGMENTS = frozenset({*range(0xE0, 0xF0), 0xFE})
# Beginnings of application segments that say what colours and sizes mean.
_NEEDED = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
# Markers without a length.
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# The marker that ends the data of a scan.
_IN_SCAN = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")
# The length without the small preview that may follow.
_JFIF_LENGTH = 16

_GIF_PICTURE, _GIF_EXTENSION, _GIF_END = 0x2C, 0x21, 0x3B
_GIF_TIMING, _GIF_APPLICATION = 0xF9, 0xFF
_GIF_LOOP = b"\x0bNETSCAPE2.0"
_ORIENTATION = 0x0112


def without_particulars(kind: str, content: bytes, orientation: int) -> bytes:
    """The bytes of a whole picture; ``kind`` is Pillow's. EXIF's orientation is kept, since it
    turns a photograph upright. Raises `ValueError` if the file is not well-formed."""
    match kind:
        case "PNG":
            return _PNG_SIGNATURE + b"".join(_kept_chunks(content))
        case "JPEG":
            return b"\xff\xd8" + _orientation(orientation) + b"".join(_kept_segments(content))
        case _:
            return b"".join(_kept_blocks(content))


def orientation_of(image: Image.Image) -> int:
    """1 to 8; 1 is upright."""
    found = image.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1  # noqa: PLR2004 - see above


def _kept_chunks(content: bytes) -> Iterator[bytes]:
    position = len(_PNG_SIGNATURE)
    while position < len(content):
        length = _number(content, position, ">I")
        # Length, name and checksum of a chunk have four bytes each.
        end = position + length + 12
        name = content[position + 4 : position + 8].decode("latin-1")
        if end > len(content):
            raise ValueError("a chunk reaches beyond the end")
        if name in _KEPT_CHUNKS:
            yield content[position:end]
        if name == "IEND":
            return
        position = end


def _kept_segments(content: bytes) -> Iterator[bytes]:
    """The segments to keep, up to the end of the first picture; a file may hold more."""
    position = 2
    while True:
        if content[position : position + 1] != b"\xff":
            raise ValueError("a segment has no marker")
        while content[position + 1 : position + 2] == b"\xff":  # may be there any number of times
            position += 1
        # At the end of the file the marker becomes 0; then `_number` finds no length and raises.
        (marker,) = content[position + 1 : position + 2] or b"\0"
        if marker == _END:
            yield b"\xff\xd9"
            return
        end = (
            position + 2
            if marker in _ALONE
            else position + 2 + _number(content, position + 2, ">H")
        )
        if marker == _START_OF_SCAN:
            found = _IN_SCAN.search(content, end)
            if found is None:
                raise ValueError("a scan has no end")
            # A progressive JPEG has further scans, with tables between them, so the loop goes on.
            end = found.start()
        yield _kept_segment(marker, content[position:end])
        position = end


def _kept_segment(marker: int, segment: bytes) -> bytes:
    if marker not in _DROPPED_SEGMENTS:
        return segment
    if marker not in _NEEDED or not segment[4:].startswith(_NEEDED[marker]):
        return b""
    if marker == min(_NEEDED):
        # The two zero bytes are the width and the height of the preview that is cut off.
        head = segment[4:_JFIF_LENGTH] + b"\0\0"
        return struct.pack(">BBH", 0xFF, marker, len(head) + 2) + head
    return segment


def _kept_blocks(content: bytes) -> Iterator[bytes]:
    """The head of a GIF, its pictures with their timing, the number of repetitions, and its end."""
    position = 13 + _colours(_number(content, 10, "B"))
    yield content[:position]
    while True:
        kind = _number(content, position, "B")
        if kind == _GIF_END:
            yield content[position : position + 1]
            return
        if kind == _GIF_PICTURE:
            # Ten bytes describe a picture; after its colours, one more says how long its codes are.
            data = position + 11 + _colours(_number(content, position + 9, "B"))
        elif kind == _GIF_EXTENSION:
            data = position + 2
        else:
            raise ValueError("a block is of no known kind")
        end = _end_of_blocks(content, data)
        label = content[position + 1]
        loops = label == _GIF_APPLICATION and content.startswith(_GIF_LOOP, data)
        if kind == _GIF_PICTURE or label == _GIF_TIMING or loops:
            yield content[position:end]
        position = end


def _colours(flags: int) -> int:
    """Bytes of a colour table; 0 if there is none."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _end_of_blocks(content: bytes, position: int) -> int:
    while length := _number(content, position, "B"):
        position += 1 + length
    return position + 1


def _orientation(orientation: int) -> bytes:
    """An EXIF segment that has the orientation only."""
    if orientation == 1:
        return b""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    data = exif.tobytes()
    data = data if data.startswith(b"Exif\0\0") else b"Exif\0\0" + data
    return struct.pack(">BBH", 0xFF, _EXIF, len(data) + 2) + data


def _number(content: bytes, position: int, form: str) -> int:
    try:
        (number,) = struct.unpack_from(form, content, position)
    except struct.error as error:
        raise ValueError("it ends too early") from error
    return int(number)
