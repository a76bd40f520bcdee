"""Sets a file aside that lies in the place of another one: it may be the last copy of something.
People can look at it; the programs never remove it."""

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
    """The files that one run sets aside. ``folder`` is made when it is needed."""

    folder: Path
    number: int = 0
    _counting: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, store: DataStore, alias: str) -> SetAside:
        return cls(store.set_aside(f"{datetime.now(UTC):%Y-%m-%dT%H.%M.%S.%f}_{alias}"))

    def place(self, area: str, name: str) -> Path:
        """The target for a file of an area (`shared.store.arrivals`). A caller that moves the file
        there without `take` calls `count`."""
        return self.folder / area / safe_relative_path(name)

    def count(self) -> None:
        """Count one more file."""
        with self._counting:
            self.number += 1

    def take(self, found: Path, area: str, name: str) -> None:
        """Move a file there. `OSError`."""
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
        """A remark on what was set aside since the last call."""
        number, self.number = self.number, 0
        if not number:
            return None
        return (
            f"{number} files or folders lay here that were not what the destination says of "
            f"them; they were not deleted, but set aside: {self.folder}"
        )
