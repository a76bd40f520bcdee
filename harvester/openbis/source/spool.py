"""A temporary folder for the resource list while it is read."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from harvester.openbis.section import SectionConfig

_PREFIX = "list-"
_NAME = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}")
# Named by `tempfile`.
_PART = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}\.xml")
_TRIES = 100


@contextmanager
def spool(config: SectionConfig) -> Iterator[Path]:
    """A folder below ``harvester-tmp-dir``; folders that had to be made for it are removed
    again."""
    root = config.harvester_tmp_dir
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    _remove_abandoned(root)
    try:
        with _own_folder(root) as folder:
            yield folder
    finally:
        with suppress(OSError):  # something else is in it by now
            for folder_made in missing:
                folder_made.rmdir()


@contextmanager
def _own_folder(root: Path) -> Iterator[Path]:
    """A new folder, locked. Other sections may share ``root``. Until the lock is ours, another
    section may take the folder for an abandoned one, or remove ``root`` because it is empty; then
    it is made anew.

    `Path.mkdir` checks twice: if the folder vanishes in between, it raises `FileExistsError`.
    """
    for _ in range(_TRIES):
        with suppress(FileNotFoundError, FileExistsError, BlockingIOError), ExitStack() as stack:
            root.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=root, prefix=_PREFIX))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            descriptor = stack.enter_context(_locked(folder))
            if os.fstat(descriptor).st_nlink and folder.exists():
                held = stack.pop_all()
                break
    else:
        raise OSError(f"{root}: no folder can be kept there; does another program clean it up?")
    with held:
        yield folder


def _remove_abandoned(root: Path) -> None:
    """Remove the spools of killed programs; a list can be large. A folder that holds anything but
    parts of a list stays, whatever its name."""
    for folder in root.glob(f"{_PREFIX}*"):
        with suppress(OSError), _locked(folder):  # not ours to remove if it is locked, or gone
            if _NAME.fullmatch(folder.name) and all(map(_is_part, folder.iterdir())):
                shutil.rmtree(folder)


def _is_part(path: Path) -> bool:
    return _PART.fullmatch(path.name) is not None and path.is_file()


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """The operating system releases the lock when its holder dies. `OSError` if another process has
    it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)
