"""Reads type groups. A group is read whole or not at all: a member that is passed over would look
like one that has left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml.etree import _Element

from shared.model.ids import Code
from shared.model.limits import definition_excess
from shared.model.master_data import TypeGroup, TypeGroupMember
from shared.resourcesync.attributes import (
    Attributes,
    UnreadableError,
    attributes_of,
    moment,
    needed,
    truth,
    word,
)
from shared.resourcesync.faults import Faults
from shared.resourcesync.names import name_of
from shared.resourcesync.v20.meta_data_reader import read_meta_data


def read_type_groups(faults: Faults, elements: Iterable[_Element]) -> tuple[TypeGroup, ...]:
    """The groups of the elements ``xmd:typeGroup``."""
    return faults.readable(elements, "TYPE_GROUP", _type_group, _code)


def groups_are_whole(master_data: _Element) -> bool:
    """Whether the list says that its type groups have all their members; True if it has none."""
    blocks = [child for child in master_data if name_of(child) == "xmd:typeGroups"]
    return all(block.get("whole") == "true" for block in blocks)


def _code(attributes: Attributes) -> str:
    return word(attributes, "code") or ""


def _type_group(element: _Element) -> TypeGroup:
    attributes = attributes_of(element)
    return TypeGroup(
        code=Code(needed(attributes, "code")),
        internal=truth(attributes, "managedInternally"),
        meta_data=read_meta_data(element),
        registrator=word(attributes, "registrator"),
        registered=moment(attributes, "registration-timestamp"),
        modified=moment(attributes, "modification-timestamp"),
        members=tuple(_members(element)),
    )


def _members(group: _Element) -> Iterator[TypeGroupMember]:
    blocks = [child for child in group if name_of(child) == "xmd:typeGroupAssignments"]
    if len(blocks) > 1:
        raise UnreadableError("it has xmd:typeGroupAssignments twice")
    found: set[str] = set()
    for element in (element for block in blocks for element in block):
        member = _member(element)
        if member.sample_type in found:
            raise UnreadableError(f"it has the sample type {member.sample_type} twice")
        found.add(member.sample_type)
        yield member


def _member(element: _Element) -> TypeGroupMember:
    if name_of(element) != "xmd:typeGroupAssignment":
        raise UnreadableError(f"its xmd:typeGroupAssignments has an element {name_of(element)}")
    attributes = attributes_of(element)
    member = TypeGroupMember(
        sample_type=Code(needed(attributes, "objectTypeCode")),
        internal=truth(attributes, "managedInternally"),
    )
    if excess := definition_excess(member):
        raise UnreadableError(excess)
    return member
