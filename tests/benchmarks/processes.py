"""Programs as processes of their own, with the time they take and the most memory they had."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PROJECT = Path(__file__).parents[2]
# Seconds.
_LOOK = 0.02
_HIGH_WATER = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """``seconds`` on the clock, ``work`` seconds of processor, ``peak`` bytes of memory."""

    seconds: float
    work: float
    peak: int
    output: str = ""
    code: int = 0


def run(*arguments: str) -> Spent:
    """A module of the project, to its end: ``run("harvester", "run", ...)``."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
        )
        peak, status, usage = _observed(process.pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return Spent(
            seconds=time.perf_counter() - begin,
            work=usage.ru_utime + usage.ru_stime,
            peak=peak,
            output=output.read(),
            code=process.returncode,
        )


def _observed(pid: int) -> tuple[int, int, resource.struct_rusage]:
    """The peak, exit status and usage of a child. What the system itself tells of a child's peak
    counts that of its parent, too, from which it was made."""
    peak = 0
    while True:
        with suppress(OSError):
            peak = max(peak, peak_of(pid))
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return peak, status, usage
        time.sleep(_LOOK)


def peak_of(pid: int) -> int:
    """Bytes of memory that a running process had at most."""
    found = _HIGH_WATER.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds on the clock, and what came of it."""
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result
