"""What a run has read from its source, for any kind of source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.errors import ItemError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadList:
    """The numbers of a source's list."""

    # The state of the source that it shows.
    at: datetime
    # Records that could be read.
    entities: int
    # Those of them that are as they were in the last list, and were not read again.
    unchanged: int = 0
    # Records that could not be read.
    faults: tuple[ItemError, ...] = ()
    remarks: tuple[str, ...] = ()
