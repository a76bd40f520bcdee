"""Keeps a file that is here from being replaced by other bytes that the plan did not expect.

The rows and the list may have checksums of different types for a file, or none. Then only the bytes
show that the list means another content. The old content is not in the trash, so it must stay.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shared.file_times import file_time
from shared.model.entities import FileNode
from shared.store.files import DataStore
from shared.store.rows import milliseconds
from shared.verification import Download, Expected, VerificationError, matches


def expected(file: FileNode) -> Expected:
    return Expected(length=file.length, crc32=file.crc32, checksum=file.checksum)


def is_dated_alike(place: Path, file: FileNode) -> bool:
    """Whether a file here has length and time of one for which the list has no checksum. A file
    gets its time when all of it has come, so it is the same."""
    if file.modified is None or expected(file).proves:
        return False
    has = place.stat().st_size, file_time(place)
    return has == (file.length, milliseconds(file.modified))


def is_the_same(place: Path, file: FileNode, moved: Callable[[], None]) -> bool:
    """Whether a file here is certainly what the list announces."""
    return matches(place, expected(file), moved) or is_dated_alike(place, file)


def present_file(store: DataStore, code: str, path: str) -> Path | None:
    """The path of a file of a data set that is here, whatever its content."""
    try:
        place = store.data_set_file(code, path)
    except ValueError:  # a link leads elsewhere
        return None
    return place if place.is_file() and not place.is_symlink() else None


def compare_bytes(
    present: Path,
    brought: FileNode | None,
    listed: FileNode,
    came: Download,
    moved: Callable[[], None],
) -> None:
    """The same as `refuse_loss` where the list has no checksum: the bytes that came give it."""
    same = Expected(length=came.length, sha256=came.sha256)
    if brought and not matches(present, same, moved):
        refuse_loss(present, brought, listed, moved)


def refuse_loss(
    present: Path, brought: FileNode | None, listed: FileNode, moved: Callable[[], None]
) -> None:
    """Raise `VerificationError` if a file here is not what the list announces, and must not be
    replaced.

    It may be replaced if the plan expects that (``brought`` is None), if it is empty, or if it is
    not what was brought, so that only damage is lost.
    """
    if brought is None or not _is_as_brought(present, brought, moved):
        return
    what = "what lies here is as it was brought, and the list announces other bytes of that length"
    if brought.crc32 is not None and brought.crc32 == listed.crc32:
        raise VerificationError(
            f"{what}: the CRC32 that was brought before is right, and {listed.checksum} of the "
            "list is not; so the data source contradicts itself, and must be corrected there"
        )
    raise VerificationError(
        f"{what} ({_checksums(listed)}); it stays. If the new content is right, move the file "
        f"{present} away, and run 'harvester repair'"
    )


def _is_as_brought(present: Path, brought: FileNode, moved: Callable[[], None]) -> bool:
    """Whether the file is not empty and fits what was noted when it was brought. If that was no
    checksum, length and time decide, as far as they were noted."""
    size, as_brought = present.stat().st_size, expected(brought)
    if not size or size != brought.length:
        return False
    if as_brought.proves:
        return matches(present, as_brought, moved)
    return brought.modified is None or is_dated_alike(present, brought)


def _checksums(listed: FileNode) -> str:
    crc32 = None if listed.crc32 is None else f"CRC32:{listed.crc32 & 0xFFFFFFFF:08x}"
    return ", ".join(filter(None, (crc32, listed.checksum))) or "of which it has no checksum"
