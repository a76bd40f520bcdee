"""Reads the ``url`` elements of openBIS 7.

They are those of openBIS 20.10 (`shared.resourcesync.v20.entry_reader`) without materials. An entry
of a sample or experiment may hold its AFS data, too: then it has two items, the owner and a data
set, and each of them may be a fault of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lxml.etree import _Element

from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.model.limits import shortened
from shared.model.master_data import MasterData
from shared.resourcesync.attributes import UnreadableError
from shared.resourcesync.items import ListItem, RecordFault
from shared.resourcesync.v7.afs_reader import AFS_TYPE, read_afs_data, take_afs_blocks
from shared.resourcesync.v20.entity_reader import read_entity, read_service_file
from shared.resourcesync.v20.entry_reader import OpenbisEntryReader
from shared.resourcesync.v20.master_data_reader import read_master_data


def _master_data(loc: str, element: _Element | None) -> Iterator[ListItem]:
    for item in read_master_data(loc, element):
        yield replace(item, is_detailed=False) if isinstance(item, MasterData) else item


_USUAL = OpenbisEntryReader(
    kinds={kind.value: kind for kind in Kind if kind is not Kind.MATERIAL},
    entity=read_entity,
    service_file=read_service_file,
    master_data=_master_data,
)


@dataclass(frozen=True, slots=True)
class EntryReader7:
    """A `shared.resourcesync.wire_format.EntryReader`."""

    usual: OpenbisEntryReader

    @property
    def namespaces(self) -> tuple[str, ...]:
        return self.usual.namespaces

    def plain(self, entry: bytes) -> ListItem | None:
        item = self.usual.plain(entry)
        return None if item is None or _repeats_afs_data(item) else item

    def parsed(self, url: _Element) -> Iterator[ListItem]:
        try:
            blocks = take_afs_blocks(url)
        except UnreadableError:  # so is the entry itself, for the same reason
            blocks = []
        for item in self.usual.parsed(url):
            if not _repeats_afs_data(item):
                yield item
            if blocks:
                yield from _afs_data(item, blocks)

    def named(self, loc: str) -> tuple[str, str]:
        return self.usual.named(loc)


READER = EntryReader7(_USUAL)


def _repeats_afs_data(item: ListItem) -> bool:
    """Whether it is the entry of AFS data among the data sets, which says less of them than their
    owner's. Only AFS makes data sets of this type."""
    return isinstance(item, Entity) and item.kind is Kind.DATA_SET and item.type == AFS_TYPE


def _afs_data(item: ListItem, blocks: Sequence[_Element]) -> Iterator[ListItem]:
    """The AFS data of an owner. What cannot be read is a fault, so that what is here of it stays,
    also if the owner is the fault."""
    match item:
        case Entity(kind=Kind.SAMPLE | Kind.EXPERIMENT):
            try:
                yield read_afs_data(item, blocks)
            except UnreadableError as error:
                yield _fault(item.perm_id, str(error))
        case RecordFault():
            yield _fault(item.perm_id, f"its owner cannot be read: {item.reason}")


def _fault(perm_id: str, reason: str) -> RecordFault:
    return RecordFault(kind=Kind.DATA_SET, perm_id=perm_id, reason=shortened(reason))
