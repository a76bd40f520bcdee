"""Keeps what lies in the place of a file and is not what is to be there: it may be all that is left
of something, so people can look at it, and the programs never remove it."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from harvester.openbis.destination.moving import move
from shared.checkpoints import checkpoint
from shared.paths import safe_relative_path
from shared.store.files import DataStore


@dataclass(slots=True)
class SetAside:
    """What one run sets aside. ``folder`` appears when it is needed."""

    folder: Path
    number: int = 0
    _counting: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, store: DataStore, alias: str) -> SetAside:
        return cls(store.set_aside(f"{datetime.now(UTC):%Y-%m-%dT%H.%M.%S.%f}_{alias}"))

    def place(self, area: str, name: str) -> Path:
        """Where something of an area (`harvester.openbis.destination.arrivals`) is to go. A caller
        that moves it there without `take` calls `count`."""
        return self.folder / area / safe_relative_path(name)

    def count(self) -> None:
        """One more has come."""
        with self._counting:
            self.number += 1

    def take(self, found: Path, area: str, name: str) -> None:
        """Move something there. `OSError`."""
        goal = self.place(area, name)
        goal.parent.mkdir(parents=True, exist_ok=True)
        checkpoint("something is about to be set aside", f"{area} {name}")
        try:
            found.rename(goal)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            move(found, goal)
        checkpoint("something is set aside", f"{area} {name}")
        self.count()

    def remark(self) -> str | None:
        """What operators should know of that which came since this was asked last."""
        number, self.number = self.number, 0
        if not number:
            return None
        return (
            f"{number} files or folders lay here that were not what the destination says of "
            f"them; they were not deleted, but set aside: {self.folder}"
        )
