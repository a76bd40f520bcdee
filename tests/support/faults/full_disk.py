"""A disk that is soon full: a small file system, or where none can be mounted a process that may
not write large files."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PLENTY = "64m"
# Bytes of a file, where nothing can be mounted.
_LARGEST = 100_000


@dataclass(slots=True, kw_only=True)
class FullDisk:
    """First there is plenty."""

    folder: Path
    is_mounted: bool

    def squeeze(self, *, spare: int) -> None:
        """Only so many bytes more can be written below the folder."""
        if self.is_mounted:
            found = os.statvfs(self.folder)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            self._resize(str(used + spare))

    def squeeze_process(self, pid: int) -> None:
        if not self.is_mounted:
            self._limit(pid, _LARGEST)

    def make(self) -> None:
        """Room for all."""
        if self.is_mounted:
            self._resize(_PLENTY)

    def let_go(self, pid: int) -> None:
        if not self.is_mounted:
            self._limit(pid, resource.RLIM_INFINITY)

    def _resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.folder)], check=True)

    @staticmethod
    def _limit(pid: int, size: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def full_disk(folder: Path) -> Iterator[FullDisk]:
    """The folder is made, and is empty."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_PLENTY}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield FullDisk(folder=folder, is_mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
