"""Lists of one source that overlap become one list."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from harvester.openbis.source.items import Doubt, SourceItem
from harvester.openbis.source.merging import MergedList
from shared.errors import FormatError
from shared.model.ids import Code
from shared.model.kinds import Kind, Relation
from shared.model.master_data import MasterData, TypeGroup, TypeGroupMember
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.items import ListHead, RecordFault
from tests.support.instances.builders import (
    a_data_set,
    a_property_type,
    a_sample,
    a_service_file,
    a_space,
    some_master_data,
)
from tests.support.instances.full_instance import connected
from tests.support.instances.resource_lists import AT

HEAD = ListHead(at=AT)
ARCHIVED = Unknown(part=Part.FILES, reason=Reason.ARCHIVED)


def merged(*lists: list[SourceItem]) -> list[SourceItem]:
    return list(MergedList(lists))


def records(*lists: list[SourceItem]) -> list[SourceItem]:
    """What is merged of lists that have the same head and definitions."""
    return records_of(MergedList([[HEAD, some_master_data(), *items] for items in lists]))


def records_of(items: Iterable[SourceItem]) -> list[SourceItem]:
    head, definitions, *rest = items
    assert (head, definitions) == (HEAD, some_master_data())
    return rest


def test_the_earliest_state_counts_and_all_that_is_unknown() -> None:
    mark = Unknown(part=Part.FILE_SERVICE, reason=Reason.NOT_MOUNTED)
    later = ListHead(at=AT + timedelta(hours=1), unknown=(mark,))
    head, *_ = merged([later, some_master_data()], [HEAD, MasterData()], [later, later])
    assert head == ListHead(at=AT, unknown=(mark,))


def test_definitions_are_those_of_all_lists_and_of_the_last_where_they_differ() -> None:
    old, new = a_property_type(label="Old"), a_property_type(label="New")
    one = some_master_data(property_types=(old, a_property_type("COLOUR")))
    other = some_master_data(property_types=(a_property_type("SIZE"), new), entity_types=())
    _, definitions = merged([HEAD, one], [HEAD, other])
    assert isinstance(definitions, MasterData)
    assert definitions.property_types == (new, *one.property_types[1:], other.property_types[0])
    assert definitions.entity_types == one.entity_types


def test_a_type_group_has_the_members_of_all_lists() -> None:
    def group(*members: str, internal: bool = False) -> MasterData:
        named = tuple(TypeGroupMember(sample_type=Code(one)) for one in members)
        return MasterData(
            type_groups=(TypeGroup(code=Code("G"), internal=internal, members=named),)
        )

    _, definitions = merged([HEAD, group("A", "B")], [HEAD, group("B", "C", internal=True)])
    assert definitions == group("A", "B", "C", internal=True)


def test_a_record_of_several_lists_comes_once_and_as_the_last_list_has_it() -> None:
    old, new = a_sample(description="old"), a_sample(description="new")
    found = records([old, a_space()], [a_space("BETA"), new], [a_space("GAMMA")])
    assert found == [a_space(), a_space("BETA"), new, a_space("GAMMA")]


def test_connections_are_those_of_all_lists_and_so_are_marks() -> None:
    edges = connected(Relation.CHILD, *(a_sample(number).perm_id for number in (1, 2, 3)))
    one, other = a_sample(connections=edges[:2]), a_sample(connections=edges[1:])
    assert records([one], [other]) == [replace(one, connections=edges)]
    dark, bright = a_data_set(unknown=(ARCHIVED,)), a_data_set()
    assert records([dark], [bright]) == records([bright], [dark]) == [dark]


def test_files_of_the_file_service_come_once() -> None:
    old, new = a_service_file(content=b"old"), a_service_file(content=b"new")
    assert records([old], [new, a_service_file("other")]) == [new, a_service_file("other")]


def test_what_one_list_has_twice_stays_twice() -> None:
    old, new = a_sample(description="old"), a_sample(description="new")
    assert records([old], [new, old]) == [new, old]
    assert records([old, new], [a_space()]) == [old, new, a_space()]


def test_entities_of_two_kinds_may_have_one_perm_id() -> None:
    space = a_space("X")
    sample = a_sample(perm_id=space.perm_id)
    assert records([space, sample], [space]) == [sample, space]


def test_a_record_that_one_list_cannot_show_is_a_fault() -> None:
    sample = a_sample()
    fault = RecordFault(kind=Kind.SAMPLE, perm_id=sample.perm_id, reason="cannot be read")
    assert records([sample, a_space()], [fault], [fault]) == [fault, a_space()]


def test_a_doubt_of_one_list_is_one_of_all() -> None:
    assert records([Doubt("a"), a_space()], [Doubt("b"), Doubt("a")]) == [
        Doubt("a"),
        Doubt("b"),
        a_space(),
    ]


@pytest.mark.parametrize("items", [[HEAD], [some_master_data()]])
def test_lists_without_a_state_or_definitions_are_not_whole(items: list[SourceItem]) -> None:
    with pytest.raises(FormatError, match="none of the lists"):
        merged(items, items)


def test_nothing_is_held_of_what_only_one_list_has() -> None:
    read: list[int] = []

    class Counted:
        def __init__(self, *records: SourceItem) -> None:
            self._items = [HEAD, some_master_data(), *records]

        def __iter__(self) -> Iterator[SourceItem]:
            for number, item in enumerate(self._items):
                read.append(number)
                yield item

    both = a_space("BOTH")
    lists = Counted(a_sample(1), a_sample(2), both), Counted(both, a_sample(3))
    items = iter(MergedList(lists))
    assert [next(items) for _ in range(3)][2] == a_sample(1)
    before = len(read)
    assert next(items) == a_sample(2)
    assert len(read) == before + 1
    assert list(items) == [both, a_sample(3)]


class Text(str):
    """A text of which can be said whether it is held."""


def test_of_what_comes_again_only_connections_and_marks_are_held() -> None:
    edges = connected(Relation.CHILD, a_sample(2).perm_id)
    seen: list[weakref.ref[Text]] = []

    class Remade:
        def __iter__(self) -> Iterator[SourceItem]:
            yield HEAD
            yield some_master_data()
            text = Text("a long text")
            seen.append(weakref.ref(text))
            yield a_sample(description=text, connections=edges)
            del text
            yield a_space("ALPHA")
            assert [each() for each in seen] == [None] * len(seen)

    again: list[SourceItem] = [HEAD, some_master_data(), a_sample()]
    assert records_of(MergedList([Remade(), again])) == [
        a_space("ALPHA"),
        a_sample(connections=edges),
    ]
    assert len(seen) == 2


def test_a_record_that_an_earlier_list_has_twice_is_as_the_last_list_has_it() -> None:
    old, new = a_sample(description="old"), a_sample(description="new")
    assert records([old, old], [new]) == [new]
