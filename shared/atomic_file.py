"""Files that are either old or new, never half-written."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path


@contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """A name beside the target to write to (it does not exist yet); renamed when all went well.

    Missing folders are made. What was written aside goes if anything fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name for a target: so what a killed program left there goes at the next try,
    # and nobody has to guess whether a file aside is still being written. The price is that only
    # one program at a time may write a target; those that share one hold a lock (`UsersFile`).
    # The name is hashed, since that of the target may be as long as a name can be.
    name = hashlib.blake2b(target.name.encode(), digest_size=16).hexdigest()
    aside = target.with_name(f".{name}.part")
    aside.unlink(missing_ok=True)
    try:
        yield aside
        aside.replace(target)
        sync_folder(target.parent)
    finally:
        aside.unlink(missing_ok=True)


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o666) -> None:
    """Replace ``path`` by ``content`` (a text as UTF-8); after a crash it is the old or the new.

    A file that is there keeps its owner and mode; a new one gets ``mode``, less the umask.
    """
    opener = partial(os.open, mode=mode)
    with written_aside(path) as aside, open(aside, "xb", opener=opener) as file:
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
