"""What a run has read from its source, whatever kind of source that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.errors import ItemError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadList:
    """What the list of a source shows, in numbers."""

    at: datetime
    """The state of the source that it shows."""
    entities: int
    """Records that could be read."""
    faults: tuple[ItemError, ...] = ()
    """Records that could not be read."""
    remarks: tuple[str, ...] = ()
