"""How much memory this process uses and may use, for the progress lines of the log.

The original prints the figures of its Java machine. Here *used* is what the process has in memory
now, *max* the least of its limits (address space, control groups) and of what the machine has, and
*free* how much more there is: below that limit, and at all.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harvester.runs.amounts import shown_size

_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Bytes; None where the system does not tell."""

    used: int | None
    free: int | None
    max: int | None

    def __str__(self) -> str:
        shown = (
            f"{name}: {'unknown' if size is None else shown_size(size):>9}"
            for name, size in (("used", self.used), ("free", self.free), ("max", self.max))
        )
        return ", ".join(shown)


def memory_use() -> MemoryUse:
    """As of now."""
    used, machine = _used(), _machine()
    most = min(
        [*_limits(), *([machine["MemTotal"]] if "MemTotal" in machine else [])], default=None
    )
    free = machine.get("MemAvailable")
    if most is not None and used is not None:
        below = max(0, most - used)
        free = below if free is None else min(free, below)
    return MemoryUse(used=used, free=free, max=most)


def _used() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None


def _machine() -> dict[str, int]:
    """``/proc/meminfo``, in bytes."""
    found = {}
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            name, _, rest = line.partition(":")
            number, _, unit = rest.strip().partition(" ")
            if number.isdigit() and unit == "kB":
                found[name] = int(number) << 10
    return found


def _limits() -> Iterator[int]:
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        yield address_space
    for group in _groups():
        with suppress(OSError, ValueError):  # 'max' stands for no limit
            yield int((group / "memory.max").read_text())


def _groups() -> Iterator[Path]:
    """The control group of this process and those around it; in a container, its root."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::/"):
                own = _GROUPS / line.removeprefix("0::/")
                yield from (g for g in (own, *own.parents) if g.is_relative_to(_GROUPS))
