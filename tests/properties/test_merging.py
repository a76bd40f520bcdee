"""However an instance is split into lists that overlap, they merge to the one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harvester.openbis.source.items import SourceItem
from harvester.openbis.source.merging import MergedList
from shared.model.entities import Connection, Entity, ServiceFile
from shared.model.kinds import Kind
from shared.model.master_data import MasterData
from shared.resourcesync.items import ListHead
from tests.properties import strategies as values
from tests.properties.master_data_strategies import as_read_master_data, master_data
from tests.support.instances.resource_lists import AT

_Record = Entity | ServiceFile
_DEFINITIONS = [each.name for each in fields(MasterData) if each.type != "bool"]


def _key(record: _Record) -> tuple[str, str]:
    if isinstance(record, ServiceFile):
        return Kind.FILE, record.path
    return record.kind, record.perm_id


records = st.lists(values.entities() | values.service_files(), unique_by=_key, max_size=8)
times = st.integers(min_value=0, max_value=10_000)


def _part_of(data: st.DataObject, record: _Record, *, whole: bool) -> _Record:
    """A record with some of its connections."""
    if whole or not isinstance(record, Entity):
        return record
    edges = data.draw(st.lists(st.sampled_from(record.connections or [None]), unique=True))
    return replace(record, connections=tuple(e for e in edges if isinstance(e, Connection)))


def _definitions_in(data: st.DataObject, written: MasterData) -> MasterData:
    """Some of the definitions."""
    some: dict[str, Any] = {
        name: tuple(one for one in getattr(written, name) if data.draw(st.booleans()))
        for name in _DEFINITIONS
    }
    return MasterData(**some)


def _sorted(found: Sequence[SourceItem]) -> list[SourceItem]:
    """Items without an order: that of connections means nothing, either."""
    plain = [
        replace(one, connections=tuple(sorted(one.connections, key=repr)))
        if isinstance(one, Entity)
        else one
        for one in found
    ]
    return sorted(plain, key=repr)


@given(data=st.data(), written=master_data, things=records, at=st.lists(times, min_size=2))
def test_any_split_merges_to_the_one_list(
    data: st.DataObject, written: MasterData, things: list[_Record], at: list[int]
) -> None:
    definitions = as_read_master_data(written)
    lists: list[list[SourceItem]] = [
        [ListHead(at=AT + timedelta(seconds=one)), _definitions_in(data, definitions)]
        for one in at[:-1]
    ]
    lists.append([ListHead(at=AT + timedelta(seconds=at[-1])), definitions])
    for thing in things:
        homes = data.draw(st.sets(st.sampled_from(range(len(lists))), min_size=1))
        whole = data.draw(st.sampled_from(sorted(homes)))
        for number in homes:
            lists[number].append(_part_of(data, thing, whole=number == whole))
    head, united, *found = MergedList(lists)
    assert head == ListHead(at=AT + timedelta(seconds=min(at)))
    assert isinstance(united, MasterData)
    assert united.type_groups_are_whole == definitions.type_groups_are_whole
    for name in _DEFINITIONS:
        assert sorted(map(repr, getattr(united, name))) == sorted(
            map(repr, getattr(definitions, name))
        )
    assert _sorted(found) == _sorted(things)
