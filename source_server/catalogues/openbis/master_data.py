"""Reads the master data of the database, whole and into memory."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping

from shared.model.kinds import Kind
from shared.model.master_data import (
    AddressType,
    DataType,
    EntityType,
    ExternalDms,
    FileFormatType,
    MasterData,
    PatternType,
    Plugin,
    PluginType,
    PropertyAssignment,
    PropertyType,
    Term,
    TypeGroup,
    TypeGroupMember,
    Vocabulary,
)
from source_server.catalogues.openbis import queries_master_data as queries
from source_server.catalogues.openbis.parts import moment
from source_server.catalogues.openbis.schema import Dialect
from source_server.catalogues.openbis.texts import publishable

_Value = TypeVar("_Value")
_Fields = dict[str, Any]

# The first of these columns that a row has names it in messages.
_NAMES = ("code", "name", "property_type", "sample_type")
_MOMENTS = frozenset({"registered", "modified"})


class MasterDataReader:
    """Reads master data. The columns of each query are named like the fields of its values."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect

    def read(self) -> MasterData:
        return MasterData(
            file_format_types=self._all(
                queries.FILE_FORMAT_TYPES, lambda fields: FileFormatType(**fields)
            ),
            plugins=self._all(queries.PLUGINS, _plugin),
            vocabularies=tuple(self._vocabularies()),
            property_types=self._all(queries.PROPERTY_TYPES, _property_type),
            entity_types=tuple(self._entity_types()),
            external_dms=self._all(queries.EXTERNAL_DMS, _external_dms),
            type_groups=tuple(self._type_groups()),
        )

    def _all(self, query: str, value: Callable[[_Fields], _Value]) -> tuple[_Value, ...]:
        return tuple(value(fields) for fields in self._fields(query))

    def _fields(self, query: str) -> Iterator[_Fields]:
        for row in self._connection.execute(self._dialect(query)).mappings():
            yield _published(row)

    def _owned(self, query: str, value: Callable[[_Fields], _Value]) -> Mapping[int, list[_Value]]:
        """Values by the id of their owners, in the order of the query."""
        found: defaultdict[int, list[_Value]] = defaultdict(list)
        for fields in self._fields(query):
            found[fields.pop("owner")].append(value(fields))
        return found

    def _vocabularies(self) -> Iterator[Vocabulary]:
        terms = self._owned(queries.TERMS, lambda fields: Term(**fields))
        for fields in self._fields(queries.VOCABULARIES):
            yield Vocabulary(terms=tuple(terms.get(fields.pop("id"), ())), **fields)

    def _entity_types(self) -> Iterator[EntityType]:
        for kind, query in queries.TYPES.items():
            assignments = self._owned(queries.ASSIGNMENTS[kind], _assignment)
            for fields in self._fields(query):
                assigned = tuple(assignments.get(fields.pop("id"), ()))
                yield EntityType(kind=kind, assignments=assigned, **fields)

    def _type_groups(self) -> Iterator[TypeGroup]:
        members = self._owned(queries.TYPE_GROUP_MEMBERS, lambda fields: TypeGroupMember(**fields))
        for fields in self._fields(queries.TYPE_GROUPS):
            yield TypeGroup(members=tuple(members.get(fields.pop("id"), ())), **fields)


def _published(row: RowMapping) -> _Fields:
    """The row's columns, as XML can carry them, and with times in whole seconds."""
    fields: _Fields = dict(row)
    name = next(str(fields[field]) for field in _NAMES if field in fields)
    for field, value in fields.items():
        if isinstance(value, str):
            fields[field] = publishable(value, "Master data", name)
        elif field in _MOMENTS and value is not None:
            fields[field] = moment(value, "Master data", name)
        elif isinstance(value, dict):
            fields[field] = _meta_data(value, name)
    return fields


def _meta_data(values: Mapping[str, object], name: str) -> dict[str, str]:
    """Meta data are texts; other values, which openBIS does not write, are shown as JSON."""
    return {
        publishable(key, "Master data", name): publishable(_text(value), "Master data", name)
        for key, value in values.items()
    }


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plugin(fields: _Fields) -> Plugin:
    kind = fields.pop("entity_kind")
    return Plugin(
        **(fields | {"type": PluginType(fields["type"])}),
        entity_kinds=(Kind(kind),) if kind else (),
    )


def _property_type(fields: _Fields) -> PropertyType:
    return PropertyType(**(fields | {"data_type": DataType(fields["data_type"])}))


def _assignment(fields: _Fields) -> PropertyAssignment:
    plugin_type = fields["plugin_type"] and PluginType(fields["plugin_type"])
    pattern_type = fields["pattern_type"] and PatternType(fields["pattern_type"])
    return PropertyAssignment(
        **(fields | {"plugin_type": plugin_type, "pattern_type": pattern_type})
    )


def _external_dms(fields: _Fields) -> ExternalDms:
    return ExternalDms(**(fields | {"address_type": AddressType(fields["address_type"])}))
