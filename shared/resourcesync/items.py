"""The items that the reader of a resource list yields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.model.entities import Entity, ServiceFile
from shared.model.master_data import MasterData
from shared.model.unknown import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHead:
    """The head of a list. ``at``: everything that was modified before is in the list
    (wire-format.md, 1.6).

    ``unknown``: parts of the whole list that the source cannot see now. If the source learns this
    while it writes the list, a second head comes at the end, with the same ``at`` and all unknown
    parts.

    ``afs_url``: the address of openBIS 7's application file service, from which AFS data come.
    """

    at: datetime
    unknown: tuple[Unknown, ...] = ()
    afs_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIndex:
    """The document is a ``sitemapindex``: the parts of the list have these addresses."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFault:
    """A record that cannot be read, in a list that can. ``kind`` and ``perm_id`` are what could be
    found, else the ``loc``; ``reason`` is for the operator."""

    kind: str
    perm_id: str
    reason: str


class Known(Protocol):
    """Entries that need not be read, since they are known by their bytes."""

    @property
    def count(self) -> int:
        """How many entries were known so far."""
        ...

    def has(self, entry: bytes) -> bool:
        """Whether the entry is known, which is then passed over. If not, its item comes next."""
        ...

    def forget(self) -> None:
        """The last entry was none by itself: the next items may come from more than its bytes."""
        ...


ListItem = ListHead | ListIndex | MasterData | Entity | ServiceFile | RecordFault
