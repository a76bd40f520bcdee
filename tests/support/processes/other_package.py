"""A package that is not part of the project, and adds something to its programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.instances.instance import PROJECT


def install(folder: Path, source: str, *, group: str, value: str) -> None:
    """Put the module ``addition`` into the folder; its ``value`` is announced for the group."""
    (folder / "addition.py").write_text(source)
    about = folder / "addition-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: addition\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[{group}]\naddition = addition:{value}\n")


def run_with(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in this folder, with the package that is installed there."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT)])},
        capture_output=True,
        text=True,
        check=False,
    )
