"""Files that are either old or new, never half-written."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from shared.paths import naming


@contextmanager
def written_aside(target: Path, writer: str = "") -> Iterator[Path]:
    """A name beside the target to write to (it does not exist yet); renamed when all went well.

    Missing folders are made. What was written aside goes if anything fails. Those who may write the
    same target at the same time name themselves as ``writer``.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = name_aside(target, writer)
    aside.unlink(missing_ok=True)
    try:
        yield aside
        aside.replace(target)
        sync_folder(target.parent)
    finally:
        aside.unlink(missing_ok=True)


def name_aside(target: Path, writer: str = "") -> Path:
    """Where a file is written before it is complete."""
    # Always the same name for a target and its writer: so what a killed program left there goes at
    # the next try, and nobody has to guess whether a file aside is still being written. The price
    # is that a writer must be alone with a target, by a lock (`UsersFile`) or by its own name.
    # The name is hashed, since that of the target may be as long as a name can be.
    names = f"{target.name}/{writer}" if writer else target.name
    name = hashlib.blake2b(names.encode(), digest_size=16).hexdigest()
    return target.with_name(f".{name}.part")


def write_atomically(
    path: Path, content: str | bytes, *, mode: int = 0o666, writer: str = ""
) -> None:
    """Replace ``path`` by ``content`` (a text as UTF-8); after a crash it is the old or the new.

    A file that is there keeps its owner and mode; a new one gets ``mode``, less the umask.
    """
    opener = partial(os.open, mode=mode)
    with (
        naming(path),
        written_aside(path, writer) as aside,
        open(aside, "xb", opener=opener) as file,
    ):
        _copy_owner_and_mode(path, file.fileno())
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames within a folder last, whatever happens to the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_owner_and_mode(path: Path, to: int) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    os.fchmod(to, stat.S_IMODE(status.st_mode))
    with suppress(PermissionError):
        os.fchown(to, status.st_uid, status.st_gid)
