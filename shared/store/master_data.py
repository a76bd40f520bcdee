"""Master data in the store: one table, a row per definition, with the value as JSON.

No query asks for a part of a definition. A definition has an owner; terms, assignments and members
of type groups can be added to definitions of other owners.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, select

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    EntityType,
    ExternalDms,
    FileFormatType,
    MasterData,
    Plugin,
    PropertyAssignment,
    PropertyType,
    Term,
    TypeGroup,
    TypeGroupMember,
    Vocabulary,
)
from shared.store import tables

Definition = (
    FileFormatType
    | Plugin
    | Vocabulary
    | Term
    | PropertyType
    | EntityType
    | PropertyAssignment
    | ExternalDms
    | TypeGroup
    | TypeGroupMember
)

_TYPES: Mapping[str, type[Any]] = {
    "FILE_FORMAT_TYPE": FileFormatType,
    "PLUGIN": Plugin,
    "VOCABULARY": Vocabulary,
    "TERM": Term,
    "PROPERTY_TYPE": PropertyType,
    "SAMPLE_TYPE": EntityType,
    "EXPERIMENT_TYPE": EntityType,
    "DATA_SET_TYPE": EntityType,
    "MATERIAL_TYPE": EntityType,
    "PROPERTY_ASSIGNMENT": PropertyAssignment,
    "EXTERNAL_DMS": ExternalDms,
    "TYPE_GROUP": TypeGroup,
    "TYPE_GROUP_MEMBER": TypeGroupMember,
}
_ADAPTERS = {name: TypeAdapter(value_type) for name, value_type in _TYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """``kind`` as in `_TYPES`; ``owner`` is the vocabulary of a term, the type group of a member,
    and kind and code of the type of an assignment (``SAMPLE_TYPE BREW``)."""

    kind: str
    owner: str
    code: str

    def __str__(self) -> str:
        return f"{self.owner} {self.code}" if self.owner else self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A definition in the store and the section that owns it."""

    value: Definition
    source: str


def flatten(master_data: MasterData) -> dict[Key, Definition]:
    """Every definition by its key; vocabularies, types and type groups without terms, assignments
    and members."""
    return dict(_definitions(master_data))


def _definitions(master_data: MasterData) -> Iterator[tuple[Key, Definition]]:
    yield from ((_key("FILE_FORMAT_TYPE", f.code), f) for f in master_data.file_format_types)
    yield from ((_key("PLUGIN", plugin.name), plugin) for plugin in master_data.plugins)
    for vocabulary in master_data.vocabularies:
        yield _key("VOCABULARY", vocabulary.code), replace(vocabulary, terms=())
        yield from ((_key("TERM", t.code, vocabulary.code), t) for t in vocabulary.terms)
    yield from ((_key("PROPERTY_TYPE", p.code), p) for p in master_data.property_types)
    for entity_type in master_data.entity_types:
        kind = f"{entity_type.kind}_TYPE"
        yield _key(kind, entity_type.code), replace(entity_type, assignments=())
        for assignment in entity_type.assignments:
            owner = f"{kind} {entity_type.code}"
            yield _key("PROPERTY_ASSIGNMENT", assignment.property_type, owner), assignment
    yield from ((_key("EXTERNAL_DMS", dms.code), dms) for dms in master_data.external_dms)
    for group in master_data.type_groups:
        yield _key("TYPE_GROUP", group.code), replace(group, members=())
        yield from (
            (_key("TYPE_GROUP_MEMBER", member.sample_type, group.code), member)
            for member in group.members
        )


def _key(kind: str, code: str, owner: str = "") -> Key:
    return Key(kind=kind, owner=owner, code=code)


def assemble(definitions: Mapping[Key, Definition]) -> MasterData:
    """The inverse of `flatten`. Terms and assignments are in their order, all else by code."""
    by_kind: dict[str, list[Any]] = {name: [] for name in _TYPES}
    children: dict[str, list[Any]] = {}
    for key, value in sorted(definitions.items(), key=lambda item: item[0]):
        if key.owner:
            children.setdefault(f"{key.kind} {key.owner}", []).append(value)
        else:
            by_kind[key.kind].append(value)
    for members in children.values():
        members.sort(key=lambda member: getattr(member, "ordinal", 0))
    return MasterData(
        file_format_types=tuple(by_kind["FILE_FORMAT_TYPE"]),
        plugins=tuple(by_kind["PLUGIN"]),
        vocabularies=tuple(
            replace(v, terms=tuple(children.get(f"TERM {v.code}", ())))
            for v in by_kind["VOCABULARY"]
        ),
        property_types=tuple(by_kind["PROPERTY_TYPE"]),
        entity_types=tuple(
            replace(
                t,
                assignments=tuple(children.get(f"PROPERTY_ASSIGNMENT {t.kind}_TYPE {t.code}", ())),
            )
            for kind in (Kind.SAMPLE, Kind.EXPERIMENT, Kind.DATA_SET, Kind.MATERIAL)
            for t in by_kind[f"{kind}_TYPE"]
        ),
        external_dms=tuple(by_kind["EXTERNAL_DMS"]),
        type_groups=tuple(
            replace(g, members=tuple(children.get(f"TYPE_GROUP_MEMBER {g.code}", ())))
            for g in by_kind["TYPE_GROUP"]
        ),
    )


def stored_definitions(connection: Connection) -> dict[Key, Stored]:
    """All definitions of the instance with their owners."""
    rows = connection.execute(select(tables.master_data))
    return {
        Key(kind=row.kind, owner=row.owner, code=row.code): Stored(
            value=_ADAPTERS[row.kind].validate_json(row.content), source=row.source
        )
        for row in rows
    }


def stored_master_data(connection: Connection) -> MasterData:
    """The master data of the instance."""
    return assemble({key: s.value for key, s in stored_definitions(connection).items()})


def write_definitions(
    connection: Connection, source: str, definitions: Mapping[Key, Definition]
) -> None:
    """Registers or replaces definitions; they belong to the source from now on."""
    remove_definitions(connection, definitions)
    rows = [
        {
            "kind": key.kind,
            "owner": key.owner,
            "code": key.code,
            "source": source,
            "content": _ADAPTERS[key.kind].dump_json(value).decode(),
        }
        for key, value in sorted(definitions.items(), key=lambda item: item[0])
    ]
    if rows:
        connection.execute(tables.master_data.insert(), rows)


def remove_definitions(connection: Connection, keys: Iterable[Key]) -> None:
    """Removes definitions; the caller makes sure that nothing uses them."""
    table = tables.master_data
    for key in keys:
        connection.execute(
            delete(table).where(
                table.c.kind == key.kind, table.c.owner == key.owner, table.c.code == key.code
            )
        )


def sample_property_codes(master_data: MasterData) -> frozenset[Code]:
    """The property types whose values are perm ids of samples."""
    return frozenset(p.code for p in master_data.property_types if p.data_type == "SAMPLE")
