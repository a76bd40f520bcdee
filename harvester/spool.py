"""A folder for the resource list while it is being read; nothing of it stays."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harvester.config import SectionConfig


@contextmanager
def spool(config: SectionConfig) -> Iterator[Path]:
    """Below ``harvester-tmp-dir``; folders that had to be made for it vanish again."""
    root = config.harvester_tmp_dir
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=root, prefix="list-") as folder:
            yield Path(folder)
    finally:
        with suppress(OSError):  # something else is in it by now
            for folder_made in missing:
                folder_made.rmdir()
