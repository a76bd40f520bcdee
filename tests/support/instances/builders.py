"""One builder per value: a test names what matters to it, the rest is filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from shared.model.entities import Attachment, AttachmentVersion, Entity, ServiceFile
from shared.model.ids import Code, PermId, material_perm_id
from shared.model.kinds import FACTS, DataSetKind, Kind
from shared.model.master_data import (
    DataType,
    EntityType,
    MasterData,
    Plugin,
    PluginType,
    PropertyAssignment,
    PropertyType,
    Term,
    TypeGroup,
    TypeGroupMember,
    Vocabulary,
)

REGISTERED = datetime(2024, 1, 10, 9, 0, 0, tzinfo=UTC)
MODIFIED = datetime(2024, 2, 3, 12, 0, 0, tzinfo=UTC)


def perm_id(number: int) -> PermId:
    """A perm id of openBIS's form; different numbers give different ones."""
    return PermId(f"20240110090000{number % 1000:03d}-{number}")


def an_entity(kind: Kind, number: int = 1, **fields: Any) -> Entity:
    """An entity of that kind, in space ALPHA unless ``space`` says otherwise (None: shared)."""
    code = Code(fields.pop("code", f"{kind.value.replace('_', '-')}-{number}"))
    if kind is Kind.DATA_SET:
        code = Code(fields.pop("perm_id", perm_id(number)))
        fields.setdefault("data_set_kind", DataSetKind.PHYSICAL)
    if FACTS[kind].has_type:
        fields.setdefault("type", Code(f"A_{kind.value}_TYPE"))
    if kind in {Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE}:
        fields.setdefault("space", Code("ALPHA"))
    if kind is Kind.EXPERIMENT:
        fields.setdefault("project", Code("KITCHEN"))
    if kind is Kind.MATERIAL:
        identity = material_perm_id(code, fields["type"])
    else:
        identity = PermId(code) if FACTS[kind].perm_id_is_code else perm_id(number)
    values: dict[str, Any] = {
        "kind": kind,
        "perm_id": identity,
        "code": code,
        "registered": REGISTERED,
        "modified": MODIFIED,
        "registrator": "mira",
    }
    return Entity(**(values | fields))


def a_space(code: str = "ALPHA", **fields: Any) -> Entity:
    return an_entity(Kind.SPACE, code=code, **fields)


def a_project(number: int = 2, **fields: Any) -> Entity:
    return an_entity(Kind.PROJECT, number, **({"code": "KITCHEN"} | fields))


def an_experiment(number: int = 3, **fields: Any) -> Entity:
    return an_entity(Kind.EXPERIMENT, number, **fields)


def a_sample(number: int = 4, **fields: Any) -> Entity:
    return an_entity(Kind.SAMPLE, number, **fields)


def a_data_set(number: int = 5, **fields: Any) -> Entity:
    return an_entity(Kind.DATA_SET, number, **fields)


def a_material(number: int = 6, **fields: Any) -> Entity:
    return an_entity(Kind.MATERIAL, number, **fields)


def an_attachment(file_name: str = "taste.txt", *versions: AttachmentVersion) -> Attachment:
    """With one plain version unless some are given."""
    return Attachment(file_name=file_name, versions=versions or (AttachmentVersion(version=1),))


def a_service_file(path: str = "notes/a.txt", content: bytes = b"hello world") -> ServiceFile:
    """A file that is sent inline."""
    return ServiceFile(
        path=path,
        modified=MODIFIED,
        length=len(content),
        sha256=sha256(content).hexdigest(),
        content=content,
    )


def a_plugin(name: str = "check_ph", **fields: Any) -> Plugin:
    values: dict[str, Any] = {"type": PluginType.ENTITY_VALIDATION, "registered": REGISTERED}
    return Plugin(name=name, **(values | fields))


def a_term(code: str = "WATER", ordinal: int = 1, **fields: Any) -> Term:
    values: dict[str, Any] = {"registrator": "mira", "registered": REGISTERED}
    return Term(code=Code(code), ordinal=ordinal, **(values | fields))


def a_vocabulary(code: str = "SOLVENT", *terms: Term, **fields: Any) -> Vocabulary:
    """Internal if the code begins with ``$``."""
    values: dict[str, Any] = {
        "internal": code.startswith("$"),
        "registrator": "mira",
        "registered": REGISTERED,
        "modified": MODIFIED,
    }
    return Vocabulary(code=Code(code), terms=terms, **(values | fields))


def a_property_type(code: str = "NOTES", **fields: Any) -> PropertyType:
    """A text; internal if the code begins with ``$``."""
    values: dict[str, Any] = {
        "label": code.strip("$").capitalize(),
        "data_type": DataType.VARCHAR,
        "internal": code.startswith("$"),
        "registrator": "mira",
        "registered": REGISTERED,
    }
    return PropertyType(code=Code(code), **(values | fields))


def an_assignment(
    property_type: str = "NOTES", ordinal: int = 1, **fields: Any
) -> PropertyAssignment:
    values: dict[str, Any] = {"registered": REGISTERED}
    return PropertyAssignment(
        property_type=Code(property_type), ordinal=ordinal, **(values | fields)
    )


def an_entity_type(
    kind: Kind, *assignments: PropertyAssignment, code: str | None = None, **fields: Any
) -> EntityType:
    """The type that `an_entity` of that kind has."""
    type_code = Code(code or f"A_{kind.value}_TYPE")
    values: dict[str, Any] = {"modified": MODIFIED}
    return EntityType(kind=kind, code=type_code, assignments=assignments, **(values | fields))


def a_type_group(code: str, *members: str, **fields: Any) -> TypeGroup:
    values: dict[str, Any] = {
        "registrator": "mira",
        "registered": REGISTERED,
        "modified": MODIFIED,
        "members": tuple(TypeGroupMember(sample_type=Code(member)) for member in members),
    }
    return TypeGroup(code=Code(code), **(values | fields))


def some_master_data(**fields: Any) -> MasterData:
    """The types that `an_entity` uses, each with the property NOTES; more by ``fields``."""
    kinds = [kind for kind, facts in FACTS.items() if facts.has_type]
    values: dict[str, Any] = {
        "property_types": (a_property_type(),),
        "entity_types": tuple(an_entity_type(kind, an_assignment()) for kind in kinds),
    }
    return MasterData(**(values | fields))
