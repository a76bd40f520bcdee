"""The definitions of several lists together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from shared.model.master_data import MasterData, TypeGroup

_T = TypeVar("_T")


def united(lists: Sequence[MasterData]) -> MasterData:
    """All definitions, each as the last list has it. A list names the members of a type group that
    it uses itself, so a group has those of all lists."""
    return MasterData(
        file_format_types=_last((one.file_format_types for one in lists), lambda f: f.code),
        plugins=_last((one.plugins for one in lists), lambda plugin: plugin.name),
        vocabularies=_last((one.vocabularies for one in lists), lambda v: v.code),
        property_types=_last((one.property_types for one in lists), lambda p: p.code),
        entity_types=_last((one.entity_types for one in lists), lambda t: (t.kind, t.code)),
        external_dms=_last((one.external_dms for one in lists), lambda dms: dms.code),
        type_groups=_groups(chain.from_iterable(one.type_groups for one in lists)),
        type_groups_are_whole=all(one.type_groups_are_whole for one in lists),
        is_detailed=all(one.is_detailed for one in lists),
    )


def _last(lists: Iterable[Iterable[_T]], key: Callable[[_T], Hashable]) -> tuple[_T, ...]:
    return tuple({key(one): one for one in chain.from_iterable(lists)}.values())


def _groups(groups: Iterable[TypeGroup]) -> tuple[TypeGroup, ...]:
    found: dict[str, TypeGroup] = {}
    for group in groups:
        before = found[group.code].members if group.code in found else ()
        members = _last([before, group.members], lambda member: member.sample_type)
        found[group.code] = replace(group, members=members)
    return tuple(found.values())
