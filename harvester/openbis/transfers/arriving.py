"""A data set on its way from the source into the data store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harvester.openbis.transfers.guard import expected
from harvester.openbis.transfers.transfers import WantedDataSet
from shared.errors import ItemError


@dataclass(slots=True)
class Arriving:
    """A data set on its way."""

    wanted: WantedDataSet
    folder: Path
    # Files that were not dealt with yet.
    missing: int
    # Whether there is an earlier state of it, whose files may be the same.
    replaces: bool = False
    error: ItemError | None = field(default=None)
    # To the next run, without anything being wrong with it.
    left: bool = False
    # The disk is in trouble: what has come of it must go.
    takes_room: bool = False
    # Whether a later run can take over what has come, see `Leftovers`.
    can_be_continued: bool = field(init=False)

    def __post_init__(self) -> None:
        self.can_be_continued = all(
            expected(file).proves or file.modified is not None for file in self.wanted.files
        )
