"""The laws of the wire format: what is written is read, and what is not whole is no list."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import FormatError, ItemError
from shared.model.entities import Entity, ServiceFile
from shared.model.ids import Code
from shared.model.master_data import MasterData
from shared.model.unknown import Part, Unknown
from shared.resourcesync.items import ListHead, ListItem
from tests.properties import strategies as values
from tests.properties.master_data_strategies import as_read_master_data, master_data
from tests.properties.texts import codes as some_codes
from tests.properties.texts import moments
from tests.support.instances.builders import a_data_set, a_sample, a_service_file, some_master_data
from tests.support.instances.resource_lists import AT, a_list, entry_of, read, the_example


@cache
def a_short_list() -> bytes:
    sample = a_sample(properties={"NOTES": "grün & <b>bold</b>"})
    return a_list([some_master_data(), sample, a_data_set(), a_service_file()])


@given(entity=values.entities(), at=moments)
def test_an_entity_is_read_as_it_was_written(entity: Entity, at: datetime) -> None:
    assert read(a_list([entity], at)) == [ListHead(at=at), values.as_read_entity(entity)]


@given(file=values.service_files())
def test_a_service_file_is_read_as_it_was_written(file: ServiceFile) -> None:
    assert read(a_list([file])) == [ListHead(at=AT), file]


@given(
    entity=values.entities(),
    unknown=values.unknown_parts(Part.FILE_SERVICE),
    at_the_end=values.unknown_parts(Part.FILE_SERVICE),
)
def test_what_a_list_says_to_be_unknown_is_read_as_it_was_written(
    entity: Entity, unknown: tuple[Unknown, ...], at_the_end: tuple[Unknown, ...]
) -> None:
    document = a_list([entity], unknown=unknown, at_the_end=at_the_end)
    head, item, *end = read(document)
    assert head == ListHead(at=AT, unknown=unknown)
    assert item == values.as_read_entity(entity)
    assert end == ([ListHead(at=AT, unknown=unknown + at_the_end)] if at_the_end else [])


@given(written=master_data)
def test_master_data_are_read_as_they_were_written(written: MasterData) -> None:
    head, item = read(a_list([written]))
    assert head == ListHead(at=AT)
    assert isinstance(item, MasterData)
    assert as_read_master_data(item) == as_read_master_data(written)


@given(written=st.lists(values.entities(), max_size=5), size=st.integers(1, 400))
def test_items_come_in_the_order_of_the_document_however_it_is_cut_into_chunks(
    written: list[Entity], size: int
) -> None:
    _, *items = read(a_list(written), size)
    assert items == [values.as_read_entity(entity) for entity in written]


@given(codes=st.lists(some_codes), sample=values.entities())
def test_connections_to_data_sets_change_nothing(codes: list[Code], sample: Entity) -> None:
    entry = entry_of(sample, codes)
    assert read(a_list([entry]))[1:] == [values.as_read_entity(sample)]


def test_a_list_cut_at_any_byte_is_no_list() -> None:
    document = a_short_list()
    whole = [end for end in range(len(document)) if _is_whole(document[:end])]
    assert whole == []
    assert _is_whole(document)


@settings(max_examples=60)
@given(data=st.data())
def test_the_example_cut_anywhere_is_no_list(data: st.DataObject) -> None:
    document = the_example().rstrip()
    end = data.draw(st.integers(0, len(document) - 1))
    assert not _is_whole(document[:end])


def _is_whole(document: bytes) -> bool:
    try:
        read(document)
    except FormatError:
        return False
    return True


def test_the_example_is_read_without_fault_and_survives_a_second_writing() -> None:
    head, *items = read(the_example())
    assert isinstance(head, ListHead)
    kinds = [type(item).__name__ for item in items]
    assert kinds == ["MasterData", *["Entity"] * 16, *["ServiceFile"] * 2]
    again = read(a_list([_writable(item) for item in items], head.at))
    assert [_comparable(item) for item in again] == [_comparable(i) for i in (head, *items)]


def _writable(item: ListItem) -> MasterData | Entity | ServiceFile:
    assert isinstance(item, MasterData | Entity | ServiceFile)
    return item


def _comparable(item: ListItem) -> ListItem:
    return as_read_master_data(item) if isinstance(item, MasterData) else item


@settings(max_examples=300)
@given(position=st.integers(min_value=0), spoiled=st.binary(max_size=6), width=st.integers(0, 6))
@example(position=0, spoiled=b"<!DOCTYPE a [<!ENTITY b 'c'>]>", width=0)
def test_whatever_bytes_come_the_reader_answers_with_items_or_a_format_error(
    position: int, spoiled: bytes, width: int
) -> None:
    document = a_short_list()
    start = position % len(document)
    changed = document[:start] + spoiled + document[start + width :]
    try:
        items = read(changed)
    except FormatError:
        return
    assert isinstance(items[0], ListHead)


@given(entity=values.entities(), spare=st.sampled_from(["\x00", "\x1b", "\ud800", "\ufffe"]))
def test_characters_that_xml_forbids_never_reach_the_wire(entity: Entity, spare: str) -> None:
    spoiled = replace(entity, registrator=f"mi{spare}ra")
    with pytest.raises(ItemError, match="registrator") as caught:
        entry_of(spoiled)
    assert (caught.value.kind, caught.value.perm_id) == (entity.kind.value, entity.perm_id)
