"""Files that have either their old or their new content, never half of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from shared.checkpoints import checkpoint
from shared.paths import naming


@contextmanager
def written_aside(target: Path, writer: str = "") -> Iterator[Path]:
    """A temporary path beside the target (not existing yet); renamed to the target if all went
    well, and removed otherwise.

    Missing folders are created. Processes that may write the same target at the same time name
    themselves as ``writer``.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = name_aside(target, writer)
    aside.unlink(missing_ok=True)
    try:
        yield aside
        checkpoint("a file is about to be put in place", str(target))
        aside.replace(target)
        sync_folder(target.parent)
        checkpoint("a file is in place", str(target))
    finally:
        aside.unlink(missing_ok=True)


def name_aside(target: Path, writer: str = "") -> Path:
    """The temporary path of a target."""
    # Always the same name for a target and its writer: so what a killed program left there is
    # removed by the next try, and no file has to be judged by its age. The price is that a writer
    # must be alone with a target, by a lock (`UsersFile`) or by its own name. The name is hashed,
    # since that of the target may be as long as a name can be.
    names = f"{target.name}/{writer}" if writer else target.name
    name = hashlib.blake2b(names.encode(), digest_size=16).hexdigest()
    return target.with_name(f".{name}.part")


def write_atomically(
    path: Path, content: str | bytes, *, mode: int = 0o666, writer: str = ""
) -> None:
    """Replaces ``path`` by ``content`` (a text as UTF-8); after a crash it is the old or the new.

    An existing file keeps its owner and mode; a new one gets ``mode``, less the umask.
    """
    with naming(path), written_aside(path, writer) as aside:
        data = content.encode() if isinstance(content, str) else content
        write_durably(aside, data, like=path, mode=mode)


def write_durably(path: Path, content: bytes, *, like: Path, mode: int = 0o666) -> None:
    """Writes a new file, whose content is on the disk when this returns; its name is not yet.

    It gets owner and mode of the file ``like``, else ``mode``, less the umask.
    """
    with open(path, "xb", opener=partial(os.open, mode=mode)) as file:
        if like.is_file():
            copy_owner_and_mode(like, file.fileno())
        file.write(content)
        checkpoint("a file is written aside, but not synced", str(like))
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Syncs a folder, so that renames within it survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_owner_and_mode(path: Path, to: int) -> None:
    """Copies owner and mode of a file, if it exists, to an open one."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    os.fchmod(to, stat.S_IMODE(status.st_mode))
    with suppress(PermissionError):
        os.fchown(to, status.st_uid, status.st_gid)
