"""The part of the master data that chosen entities refer to, as harvesters of openBIS 7 get it.

openBIS 7 has no materials and no file formats: its parser refuses a list whose definitions name the
kind MATERIAL, and values of properties that no definition declares (openbis-7-sync.md, 2.4 and
3.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    DataType,
    EntityType,
    MasterData,
    Plugin,
    PropertyAssignment,
    PropertyType,
    TypeGroup,
    Vocabulary,
)
from shared.resourcesync.roots import RootKind
from source_server.publication.roots import TYPE_ROOTS, Root, Roots

_Types = Mapping[Kind, Set[Code]]
_PLUGIN_KINDS = (Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET)
_TYPED = (Kind.SAMPLE, Kind.EXPERIMENT, Kind.DATA_SET)


def unknown_definitions(master_data: MasterData, roots: Roots) -> Iterator[Root]:
    """The roots that name a definition which does not exist."""
    for root in roots.roots:
        code = Code(root.perm_id)
        if root.kind in TYPE_ROOTS:
            kind = TYPE_ROOTS[root.kind]
            known = any(each.code == code for each in master_data.types_of(kind))
        elif root.kind is RootKind.VOCABULARY_TYPE:
            known = any(_is_called(each, code) for each in master_data.vocabularies)
        elif root.kind is RootKind.TYPE_GROUP:
            known = any(each.code == code for each in master_data.type_groups)
        else:
            continue
        if not known:
            yield root


def referred(
    master_data: MasterData, types: _Types, systems: Set[Code], roots: Roots
) -> MasterData:
    """The definitions that entities of these types need, and those that are roots themselves, each
    with all that it needs. ``systems``: codes of data management systems."""
    whole = _Definitions.of(master_data)
    codes = _type_codes(whole, types, roots)
    chosen = [
        _reduced(whole, each)
        for each in master_data.entity_types
        if (each.kind, each.code) in codes
    ]
    assigned = {assignment.property_type for each in chosen for assignment in each.assignments}
    properties = [each for each in master_data.property_types if each.code in assigned]
    named = {Code(root.perm_id) for root in roots.roots if root.kind is RootKind.VOCABULARY_TYPE}
    return MasterData(
        plugins=tuple(_plugins(whole, chosen)),
        vocabularies=tuple(
            each
            for each in master_data.vocabularies
            if any(each.code == used.vocabulary for used in properties)
            or any(_is_called(each, code) for code in named)
        ),
        property_types=tuple(properties),
        entity_types=tuple(chosen),
        external_dms=tuple(each for each in master_data.external_dms if each.code in systems),
        type_groups=tuple(_groups(master_data.type_groups, codes, roots)),
        type_groups_are_whole=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Definitions:
    """Definitions by what identifies them."""

    types: Mapping[tuple[Kind, Code], EntityType]
    property_types: Mapping[Code, PropertyType]
    plugins: Mapping[str, Plugin]
    groups: Mapping[Code, TypeGroup]

    @classmethod
    def of(cls, master_data: MasterData) -> _Definitions:
        vocabularies = {each.code for each in master_data.vocabularies}
        return cls(
            types={(each.kind, each.code): each for each in master_data.entity_types},
            property_types={
                each.code: each
                for each in master_data.property_types
                if each.data_type is not DataType.MATERIAL
                # The parser refuses references to what is not defined (wire-format.md, 6).
                and (each.vocabulary is None or each.vocabulary in vocabularies)
            },
            plugins={
                each.name: each
                for each in master_data.plugins
                if each.entity_kinds != (Kind.MATERIAL,)
            },
            groups={each.code: each for each in master_data.type_groups},
        )


def _is_called(vocabulary: Vocabulary, code: Code) -> bool:
    """Whether a root names this vocabulary; openBIS 7 shows internal codes without ``$``."""
    return code == vocabulary.code or (vocabulary.internal and f"${code}" == vocabulary.code)


def _type_codes(whole: _Definitions, types: _Types, roots: Roots) -> set[tuple[Kind, Code]]:
    """The types of the entities, those that are roots, and the sample types that their properties
    of type SAMPLE name, and so on."""
    waiting = [(kind, code) for kind in _TYPED for code in types.get(kind, ())]
    for root in roots.roots:
        if root.kind in TYPE_ROOTS:
            waiting.append((TYPE_ROOTS[root.kind], Code(root.perm_id)))
        elif root.kind is RootKind.TYPE_GROUP:
            members = whole.groups[Code(root.perm_id)].members
            waiting += [(Kind.SAMPLE, member.sample_type) for member in members]
    found: set[tuple[Kind, Code]] = set()
    while waiting:
        key = waiting.pop()
        if key not in found and key in whole.types:
            found.add(key)
            named = _sample_types(whole, whole.types[key].assignments)
            waiting += [(Kind.SAMPLE, code) for code in named]
    return found


def _sample_types(whole: _Definitions, assignments: Iterable[PropertyAssignment]) -> Iterator[Code]:
    for assignment in assignments:
        assigned = whole.property_types.get(assignment.property_type)
        if assigned is not None and assigned.sample_type is not None:
            yield assigned.sample_type


def _reduced(whole: _Definitions, entity_type: EntityType) -> EntityType:
    """The type without what is left out: assignments of materials, plugins for materials."""
    kept = tuple(
        each if each.plugin in whole.plugins else replace(each, plugin=None, plugin_type=None)
        for each in entity_type.assignments
        if each.property_type in whole.property_types
    )
    plugin = entity_type.validation_plugin
    return replace(
        entity_type,
        assignments=kept,
        validation_plugin=plugin if plugin in whole.plugins else None,
    )


def _plugins(whole: _Definitions, types: Iterable[EntityType]) -> Iterator[Plugin]:
    used = {name for each in types for name in _names_of_plugins(each)}
    for name in sorted(used):
        plugin = whole.plugins[name]
        # No kind means all kinds, MATERIAL included, which openBIS 7 refuses.
        kinds = plugin.entity_kinds or _PLUGIN_KINDS
        yield replace(plugin, entity_kinds=tuple(k for k in kinds if k is not Kind.MATERIAL))


def _names_of_plugins(entity_type: EntityType) -> Iterator[str]:
    if entity_type.validation_plugin is not None:
        yield entity_type.validation_plugin
    yield from (each.plugin for each in entity_type.assignments if each.plugin is not None)


def _groups(
    groups: Iterable[TypeGroup], codes: set[tuple[Kind, Code]], roots: Roots
) -> Iterator[TypeGroup]:
    """The groups of the sample types, with these as their members."""
    named = {Code(root.perm_id) for root in roots.roots if root.kind is RootKind.TYPE_GROUP}
    for group in groups:
        members = tuple(each for each in group.members if (Kind.SAMPLE, each.sample_type) in codes)
        if members or group.code in named:
            yield replace(group, members=members)
