"""Pictures of templates: their types, file names, and storage.

A file is never overwritten: its name contains the beginning of its hash, so it differs from those
of other templates and of the operator. A template shows the new picture only when that is
completely on the disk.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from opendcim.records.picture_names import base_name, original_name
from shared.atomic_file import write_atomically

# Bytes.
LARGEST = 20 << 20
# A decoded picture takes up to four bytes for each pixel, so this allows 240 MB of memory.
_MOST_PIXELS = 60_000_000
# Types that openDCIM's pages show. Drawings (SVG) may contain programs and are refused.
_EXTENSIONS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif"}
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_STEM = 60


class NoPictureError(ValueError):
    """The file is no picture; the message says what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPicture:
    """Checked content. ``extension`` is that of its actual type, whatever the name says."""

    content: bytes
    extension: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def examined(content: bytes) -> CheckedPicture:
    """Raises `NoPictureError` unless it is a whole picture of a known type."""
    if not content:
        raise NoPictureError("it is empty")
    if len(content) > LARGEST:
        raise NoPictureError(f"it has more than {LARGEST >> 20} MB")
    try:
        kind, pixels = _looked_at(content)
    except Exception as error:  # Pillow raises whatever it stumbles over
        raise NoPictureError(
            f"it is no whole PNG, JPEG or GIF but {_beginning(content)}"
        ) from error
    if pixels > _MOST_PIXELS:
        raise NoPictureError(f"it has {pixels:,} pixels")
    return CheckedPicture(content=content, extension=_EXTENSIONS[kind])


def _looked_at(content: bytes) -> tuple[str, int]:
    """Type and number of pixels; decoded to the last line, unless there are too many."""
    with warnings.catch_warnings():
        # Pillow refuses a decompression bomb only beyond twice its limit; before, it warns.
        warnings.simplefilter("error")
        with Image.open(io.BytesIO(content), formats=tuple(_EXTENSIONS)) as image:
            image.verify()  # checksums to the end of the file; it cannot be decoded after that
        with Image.open(io.BytesIO(content), formats=tuple(_EXTENSIONS)) as image:
            pixels = image.width * image.height
            if pixels <= _MOST_PIXELS:
                image.load()
            return image.format or "", pixels


def file_name(template_id: int, address: str, picture: CheckedPicture) -> str:
    """``5.front-1a2b3c4d.png``: letters, digits and dots, whatever the address contains."""
    stem = Path(original_name(address) or "picture").stem
    usual = _UNUSUAL.sub("_", stem).strip("._-")[:_LONGEST_STEM] or "picture"
    return f"{template_id}.{usual}-{picture.sha256[:8]}{picture.extension}"


def name_in_repository(template_id: int, file: str) -> str:
    """The file's name in the repository, without the part that was added here."""
    # A pulled picture may be submitted, published and pulled again: each round would otherwise
    # add an id and a hash to its name.
    name = base_name(file)
    if found := re.fullmatch(rf"{template_id}\.(.+)-[0-9a-f]{{8}}(\.\w+)", name):
        return found[1] + found[2]
    return name


def is_safe_name(name: str) -> bool:
    """Whether the name is that of a file in the folder itself."""
    return bool(name) and name not in {".", ".."} and not re.search(r"[/\\\x00]", name)


def put(folder: Path, name: str, picture: CheckedPicture) -> None:
    """Writes a new file. Raises `OSError`."""
    place = folder / name
    if has_content(place, picture.sha256):
        return
    is_new = not place.exists()
    write_atomically(place, picture.content)
    if is_new:  # openDCIM's web server reads it, as another user
        place.chmod(0o644)


def has_content(place: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(place.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _beginning(content: bytes) -> str:
    text = content[:40].decode("utf-8", errors="replace")
    return repr(" ".join(text.split()))
