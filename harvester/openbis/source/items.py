"""The items of a source, whatever its kind: what a list shows, one item at a time.

A kind of source is an iterable of items that starts at the beginning each time it is iterated.
`harvester.openbis.source.resource_list.ResourceList` makes them from the bytes of a resource list;
a list of values is one, too. Its promises:

* a `ListHead` gives the state of all items; if there are several, the first one counts;
* `MasterData` define the types and properties of all entities, wherever they stand;
* what cannot be read is a `RecordFault`, so that nothing of it is taken as gone;
* if items may be missing for another reason than that they are gone, a `Doubt` or
  `NoSharedSamples` says so;
* a source that is not whole raises `FormatError` or `SourceError`, at its very end at the latest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from shared.errors import FormatError
from shared.model.entities import Entity, ServiceFile
from shared.model.master_data import MasterData
from shared.resourcesync.items import Known, ListHead, ListItem, RecordFault


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why what the items lack may still be there; ``reason`` is for the operator."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoSharedSamples:
    """The source cannot list samples without a space, whether it has them or not."""


SourceItem = ListHead | MasterData | Entity | ServiceFile | RecordFault | Doubt | NoSharedSamples


@runtime_checkable
class KnowingSource(Protocol):
    """A source of items that can pass over what is known."""

    def __iter__(self) -> Iterator[SourceItem]: ...

    def except_known(self, known: Known | None) -> Iterator[SourceItem]:
        """All items except those of ``known`` entries."""
        ...


class BegunAnewError(Exception):
    """The source has started again; what was read so far does not count."""


def find_master_data(items: Iterable[SourceItem | ListItem]) -> MasterData:
    """The master data, wherever they stand. Raises `FormatError` if there are none."""
    found = next((item for item in items if isinstance(item, MasterData)), None)
    if found is None:
        raise FormatError("the resource list has no master data")
    return found
