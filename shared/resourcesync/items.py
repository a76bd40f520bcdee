"""What a reader of a resource list meets, one item at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.model.entities import Entity, ServiceFile
from shared.model.master_data import MasterData
from shared.model.unknown import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHead:
    """``at``: everything that was modified before is in the list (wire format, 1.6).

    ``unknown``: parts of the whole list that the source cannot see now. If that turns out while the
    list is written, a second head comes at its end, with the same ``at`` and all unknown parts.
    """

    at: datetime
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIndex:
    """The document is a ``sitemapindex``: the list lies in parts, at these addresses."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFault:
    """A record that cannot be read; the rest of the list can. ``kind`` and ``perm_id`` as far as
    they could be made out, else what the ``loc`` says; ``reason`` for the operator."""

    kind: str
    perm_id: str
    reason: str


ListItem = ListHead | ListIndex | MasterData | Entity | ServiceFile | RecordFault
