"""Which processes a server consists of."""

from __future__ import annotations

import os
from dataclasses import dataclass

# The name of the `Census` among what workers have in common.
CENSUS = "census"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """``wanted`` is the number of workers by the settings. ``ended_seconds`` is the time of
    processors that ended workers had used."""

    parent: int
    workers: tuple[int, ...]
    wanted: int
    ended_seconds: float


class Census:
    """Kept by the parent."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._workers: list[int] = []

    def began(self, pid: int) -> None:
        self._workers.append(pid)

    def ended(self, pid: int) -> None:
        self._workers.remove(pid)

    def processes(self) -> Processes:
        """The system adds the time of a worker to its parent's when the parent has buried it, so
        no time is counted twice or lost."""
        times = os.times()
        return Processes(
            parent=os.getpid(),
            workers=tuple(self._workers),
            wanted=self._wanted,
            ended_seconds=times.children_user + times.children_system,
        )
