"""Master data: the definitions that entities use. Small enough to be held in memory.

Codes of internal vocabularies and property types have their leading ``$`` everywhere. Only
definitions on the wire lack it; reader and writer convert.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.model.ids import Code
from shared.model.kinds import Kind

# openBIS registers its own definitions as this user.
SYSTEM_USER = "system"


class PluginType(StrEnum):
    """What a plugin computes or checks."""

    DYNAMIC_PROPERTY = "DYNAMIC_PROPERTY"
    MANAGED_PROPERTY = "MANAGED_PROPERTY"
    ENTITY_VALIDATION = "ENTITY_VALIDATION"


class DataType(StrEnum):
    """The data types of properties, as of openBIS schema 192."""

    INTEGER = "INTEGER"
    VARCHAR = "VARCHAR"
    MULTILINE_VARCHAR = "MULTILINE_VARCHAR"
    REAL = "REAL"
    TIMESTAMP = "TIMESTAMP"
    BOOLEAN = "BOOLEAN"
    CONTROLLEDVOCABULARY = "CONTROLLEDVOCABULARY"
    MATERIAL = "MATERIAL"
    HYPERLINK = "HYPERLINK"
    XML = "XML"
    SAMPLE = "SAMPLE"
    DATE = "DATE"
    JSON = "JSON"
    ARRAY_INTEGER = "ARRAY_INTEGER"
    ARRAY_REAL = "ARRAY_REAL"
    ARRAY_STRING = "ARRAY_STRING"
    ARRAY_TIMESTAMP = "ARRAY_TIMESTAMP"


class PatternType(StrEnum):
    """How to read the pattern of an assignment (schema 195 and later)."""

    PATTERN = "PATTERN"
    VALUES = "VALUES"
    RANGES = "RANGES"


class AddressType(StrEnum):
    """How to interpret the address of an external data management system."""

    OPENBIS = "OPENBIS"
    URL = "URL"
    FILE_SYSTEM = "FILE_SYSTEM"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormatType:
    code: Code
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A script. ``entity_kinds`` is empty if it serves every kind."""

    name: str
    type: PluginType
    entity_kinds: tuple[Kind, ...] = ()
    description: str | None = None
    script: str | None = None
    available: bool = True
    registered: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A value of a vocabulary; terms are ordered by ``ordinal``, which starts at 1.

    ``internal``: openBIS itself made it (schema 196 and later).
    """

    code: Code
    ordinal: int
    label: str | None = None
    description: str | None = None
    registrator: str | None = None
    registered: datetime | None = None
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    code: Code
    description: str | None = None
    internal: bool = False
    chosen_from_list: bool = True
    url_template: str | None = None
    registrator: str | None = None
    registered: datetime | None = None
    modified: datetime | None = None
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyType:
    """``material_type`` is None if any material fits, ``sample_type`` if any sample does.

    ``multi_value``: an entity may have several values; None if the source does not know of that.
    ``meta_data`` are names with texts; None likewise.
    """

    code: Code
    label: str
    data_type: DataType
    description: str | None = None
    internal: bool = False
    vocabulary: Code | None = None
    material_type: Code | None = None
    sample_type: Code | None = None
    schema: str | None = None
    transformation: str | None = None
    registrator: str | None = None
    registered: datetime | None = None
    multi_value: bool | None = None
    meta_data: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyAssignment:
    """Gives entities of a type a property, and says how it is shown.

    ``pattern`` limits the values, and ``pattern_type`` says how. ``internal``: openBIS itself made
    it.
    """

    property_type: Code
    ordinal: int
    mandatory: bool = False
    section: str | None = None
    show_in_edit: bool = True
    show_raw_value: bool = False
    unique: bool = False
    plugin: str | None = None
    plugin_type: PluginType | None = None
    registered: datetime | None = None
    pattern: str | None = None
    pattern_type: PatternType | None = None
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityType:
    """A type of samples, experiments, data sets or materials (``kind``).

    The middle block of fields is for sample types, the last for data set types. ``internal``:
    openBIS itself made it. ``meta_data`` are names with texts; None if the source does not know of
    them.
    """

    kind: Kind
    code: Code
    description: str | None = None
    validation_plugin: str | None = None
    modified: datetime | None = None
    assignments: tuple[PropertyAssignment, ...] = ()
    internal: bool = False
    meta_data: Mapping[str, str] | None = None

    auto_generated_code: bool = False
    generated_code_prefix: str | None = None
    listable: bool = True
    show_container: bool = False
    show_parent_metadata: bool = False
    show_parents: bool = False
    subcode_unique: bool = False

    deletion_disallowed: bool = False
    main_data_set_path: str | None = None
    main_data_set_pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeGroupMember:
    """A sample type in a group. ``internal``: openBIS itself put it there."""

    sample_type: Code
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeGroup:
    """A group of sample types, which orders them for menus (schema 205 and later). It means nothing
    for rights or values."""

    code: Code
    internal: bool = False
    meta_data: Mapping[str, str] | None = None
    registrator: str | None = None
    registered: datetime | None = None
    modified: datetime | None = None
    members: tuple[TypeGroupMember, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalDms:
    """An external data management system, which has the content of LINK data sets."""

    code: Code
    address: str
    address_type: AddressType
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterData:
    """``type_groups_are_whole``: each group has all its members. Lists of openBIS 7 have those that
    the selection uses.

    ``is_detailed``: a definition without pattern, sample type, schema, transformation or internal
    flag has none. Lists of openBIS 7 say nothing of these.
    """

    file_format_types: tuple[FileFormatType, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    vocabularies: tuple[Vocabulary, ...] = ()
    property_types: tuple[PropertyType, ...] = ()
    entity_types: tuple[EntityType, ...] = field(default=())
    external_dms: tuple[ExternalDms, ...] = ()
    type_groups: tuple[TypeGroup, ...] = ()
    type_groups_are_whole: bool = True
    is_detailed: bool = True

    def types_of(self, kind: Kind) -> tuple[EntityType, ...]:
        return tuple(t for t in self.entity_types if t.kind is kind)
