"""A folder for the resource list while it is being read; nothing of it stays."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harvester.config import SectionConfig

_PREFIX = "list-"


@contextmanager
def spool(config: SectionConfig) -> Iterator[Path]:
    """Below ``harvester-tmp-dir``; folders that had to be made for it vanish again."""
    root = config.harvester_tmp_dir
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    try:
        with tempfile.TemporaryDirectory(dir=root, prefix=_PREFIX) as name, _locked(Path(name)):
            yield Path(name)
    finally:
        with suppress(OSError):  # something else is in it by now
            for folder_made in missing:
                folder_made.rmdir()


def _remove_abandoned(root: Path) -> None:
    """Remove what killed programs left; a list can be large."""
    for folder in root.glob(f"{_PREFIX}*"):
        with suppress(OSError), _locked(folder):  # not ours to remove if it is locked, or gone
            shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The system releases the lock when its holder dies. `OSError` if somebody else has it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
