"""One builder per value: a test names what matters to it, the rest is filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.model.entities import Entity
from shared.model.ids import Code, PermId, material_perm_id
from shared.model.kinds import FACTS, DataSetKind, Kind

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
