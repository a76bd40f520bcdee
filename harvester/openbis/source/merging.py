"""Merges lists of one source that overlap into one.

An openBIS 7 is asked for each root by itself, since it leaves out what is below a root that an
earlier one has reached (openbis-7-sync.md, 2.3). What several lists have is merged: definitions and
entities are those of the last list, which is the newest; connections are those of all lists, since
a list names only what it has itself.

The lists are read twice, for the keys and for the items. Of what comes again in a later list only
connections and marks are held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TypeVar

from harvester.openbis.source.items import Doubt, NoSharedSamples, SourceItem
from harvester.openbis.source.master_data_union import united
from shared.errors import FormatError
from shared.model.entities import Connection, Entity, ServiceFile
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from shared.model.unknown import Unknown
from shared.resourcesync.items import ListHead, RecordFault

_Key = tuple[str, str]
_Record = Entity | ServiceFile
_T = TypeVar("_T")


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
    """What is small of all lists, and where each record comes for the last time."""

    heads: list[ListHead] = field(default_factory=list)
    definitions: list[MasterData] = field(default_factory=list)
    doubts: dict[Doubt | NoSharedSamples, None] = field(default_factory=dict)
    # The reasons; a record that one list cannot show is left out, whatever the others show of it.
    faults: dict[_Key, str] = field(default_factory=dict)
    # The number of the last list that has a record, by the digest of its key.
    last: dict[bytes, int] = field(default_factory=dict)

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
    for number, items in enumerate(lists):
        for item in items:
            if isinstance(item, Entity | ServiceFile):
                found.last[_digest(_key(item))] = number
            else:
                found.take(item)
    return found


def _digest(key: _Key) -> bytes:
    """A short text that no two keys have in common."""
    return blake2b("\0".join(key).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _key(record: _Record) -> _Key:
    if isinstance(record, ServiceFile):
        return Kind.FILE.value, record.path
    # AFS data have the perm id of their owner, and no data set has that.
    return record.kind.value, record.perm_id


def _records(lists: Iterable[Iterable[SourceItem]], overview: _Overview) -> Iterator[_Record]:
    """Each record once, when it comes for the last time; what one list has several times, which is
    a fault of that list, comes as often if no later list has it."""
    held: dict[bytes, _Held] = {}
    for number, items in enumerate(lists):
        for item in items:
            if not isinstance(item, Entity | ServiceFile):
                continue
            key = _key(item)
            if key in overview.faults:
                continue
            digest = _digest(key)
            if overview.last[digest] == number:
                yield _completed(item, held.pop(digest, None))
            elif isinstance(item, Entity) and (item.connections or item.unknown):
                held.setdefault(digest, _Held()).add(item)


@dataclass(slots=True)
class _Held:
    """What earlier lists say of an entity that comes again."""

    connections: tuple[Connection, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    def add(self, entity: Entity) -> None:
        self.connections = _joined(self.connections, entity.connections)
        self.unknown = _joined(self.unknown, entity.unknown)


def _completed(record: _Record, held: _Held | None) -> _Record:
    if held is None or not isinstance(record, Entity):
        return record
    return replace(
        record,
        connections=_joined(held.connections, record.connections),
        unknown=_joined(held.unknown, record.unknown),
    )


def _joined(before: tuple[_T, ...], after: tuple[_T, ...]) -> tuple[_T, ...]:
    """All of both, each once."""
    return tuple(dict.fromkeys((*before, *after)))
