"""Writes type groups, as openBIS 7 does (openbis-7-sync.md, 3.4)."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from shared.model.master_data import TypeGroup, TypeGroupMember
from shared.resourcesync.timestamps import optional_timestamp
from shared.resourcesync.v20.elements import block, closed, opened, truth
from shared.resourcesync.v20.meta_data_writer import meta_data_block
from shared.resourcesync.v20.natural_order import natural_key

_KIND = "TYPE_GROUP"


def type_groups_block(groups: Iterable[TypeGroup], *, whole: bool) -> str:
    """``xmd:typeGroups``; nothing if there are no groups. ``whole``: each group has all its
    members; an attribute says so, which openBIS does not have."""
    in_order = sorted(groups, key=lambda each: natural_key(each.code))
    content = "".join(map(_type_group, in_order))
    begun = '<xmd:typeGroups whole="true"' if whole else "<xmd:typeGroups"
    return closed(begun, "typeGroups", content) if content else ""


def _type_group(each: TypeGroup) -> str:
    attributes = {
        "code": each.code,
        "managedInternally": truth(each.internal),
        "registrator": each.registrator,
        "registration-timestamp": optional_timestamp(each.registered),
        "modification-timestamp": optional_timestamp(each.modified),
    }

    def member(one: TypeGroupMember) -> str:
        internal = truth(one.internal)
        named = {"objectTypeCode": one.sample_type, "managedInternally": internal}
        return opened(_KIND, each.code, "typeGroupAssignment", named) + "/>"

    members = sorted(each.members, key=attrgetter("sample_type"))
    return closed(
        opened(_KIND, each.code, "typeGroup", attributes),
        "typeGroup",
        meta_data_block(each.meta_data, _KIND, each.code)
        + block("typeGroupAssignments", members, member),
    )
