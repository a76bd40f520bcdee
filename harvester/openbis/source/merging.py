"""Merges lists of one source that overlap into one.

An openBIS 7 is asked for each root by itself, since it leaves out what is below a root that an
earlier one has reached (openbis-7-sync.md, 2.3). What several lists have is merged: definitions and
entities are those of the last list, which is the newest; connections are those of all lists, since
a list names only what it has itself.

Nothing is held of what only one list has: the lists are read twice, for the keys and for the items.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from harvester.openbis.source.items import Doubt, NoSharedSamples, SourceItem
from harvester.openbis.source.master_data_union import united
from shared.errors import FormatError
from shared.model.entities import Entity, ServiceFile
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from shared.resourcesync.items import ListHead, RecordFault

_Key = tuple[str, str]
_Record = Entity | ServiceFile


@dataclass(frozen=True, slots=True)
class MergedList:
    """The items of all lists, each once; each list can be read any number of times, and is whole or
    raises."""

    lists: Sequence[Iterable[SourceItem]]

    def __iter__(self) -> Iterator[SourceItem]:
        overview = _overview(self.lists)
        yield overview.head
        yield overview.master_data
        yield from overview.doubts
        for kind, perm_id in overview.faults:
            yield RecordFault(kind=kind, perm_id=perm_id, reason=overview.faults[kind, perm_id])
        yield from _records(self.lists, overview)


@dataclass(slots=True)
class _Overview:
    """What is small of all lists, and which records occur more than once."""

    heads: list[ListHead] = field(default_factory=list)
    definitions: list[MasterData] = field(default_factory=list)
    doubts: dict[Doubt | NoSharedSamples, None] = field(default_factory=dict)
    # The reasons; a record that one list cannot show is left out, whatever the others show of it.
    faults: dict[_Key, str] = field(default_factory=dict)
    # The number of occurrences by the hash of the key, where it is not one.
    several: Counter[int] = field(default_factory=Counter)

    def take(self, item: SourceItem) -> None:
        match item:
            case ListHead():
                self.heads.append(item)
            case MasterData():
                self.definitions.append(item)
            case Doubt() | NoSharedSamples():
                self.doubts[item] = None
            case RecordFault():
                self.faults[item.kind, item.perm_id] = item.reason

    @property
    def head(self) -> ListHead:
        """The lists show the source at several times; what was modified before the earliest is in
        all of them."""
        if not self.heads:
            raise FormatError("none of the lists says when it was made")
        unknown = dict.fromkeys(mark for head in self.heads for mark in head.unknown)
        at = min(head.at for head in self.heads)
        first = next((head for head in self.heads if head.afs_url), self.heads[0])
        return replace(first, at=at, unknown=tuple(unknown))

    @property
    def master_data(self) -> MasterData:
        if not self.definitions:
            raise FormatError("none of the lists has master data")
        return united(self.definitions)


def _overview(lists: Iterable[Iterable[SourceItem]]) -> _Overview:
    found = _Overview()
    hashes = array("q")
    for items in lists:
        for item in items:
            if isinstance(item, Entity | ServiceFile):
                hashes.append(hash(_key(item)))
            else:
                found.take(item)
    found.several = _several(hashes)
    return found


def _several(hashes: array[int]) -> Counter[int]:
    """How often each number occurs that occurs more than once."""
    several: Counter[int] = Counter()
    previous = None
    for number in sorted(hashes):
        if number == previous:
            several[number] += 1 if number in several else 2
        previous = number
    return several


def _key(record: _Record) -> _Key:
    if isinstance(record, ServiceFile):
        return Kind.FILE.value, record.path
    # AFS data have the perm id of their owner, and no data set has that.
    return record.kind.value, record.perm_id


def _records(lists: Iterable[Iterable[SourceItem]], overview: _Overview) -> Iterator[_Record]:
    """Each record once. One that occurs several times comes when it has occurred for the last
    time."""
    held: dict[_Key, _Occurrences] = {}
    for number, items in enumerate(lists):
        for item in items:
            if not isinstance(item, Entity | ServiceFile):
                continue
            key = _key(item)
            if key in overview.faults:
                continue
            times = overview.several.get(hash(key))
            if times is None:
                yield item
                continue
            occurrences = held.setdefault(key, _Occurrences())
            occurrences.add(number, item)
            if occurrences.number == times:
                yield from held.pop(key).merged
    for occurrences in held.values():  # of keys that happen to have the same hash
        yield from occurrences.merged


@dataclass(slots=True)
class _Occurrences:
    """One record in several lists; ``merged`` has several only if one list has it several times,
    which is a fault of that list."""

    merged: list[_Record] = field(default_factory=list)
    number: int = 0
    _last: int = -1

    def add(self, number: int, record: _Record) -> None:
        self.number += 1
        if self.merged and number != self._last:
            record = _merge(self.merged[0], record)
            self.merged[0] = record
        else:
            self.merged.append(record)
        self._last = number


def _merge(before: _Record, after: _Record) -> _Record:
    if not isinstance(before, Entity) or not isinstance(after, Entity):
        return after
    return replace(
        after,
        connections=tuple(dict.fromkeys((*before.connections, *after.connections))),
        unknown=tuple(dict.fromkeys((*before.unknown, *after.unknown))),
    )
