"""Compares a local template with what it will become, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opendcim.records.fields import (
    CDU_FIELDS,
    PORT_FIELDS,
    SENSOR_FIELDS,
    SLOT_FIELDS,
    TEMPLATE_FIELDS,
    Field,
)
from opendcim.records.records import Template

# Callers look at the ids themselves; openDCIM has no column for the time.
_NOT_COMPARED = frozenset({"template_id", "manufacturer_id", "last_modified"})
HEADER_FIELDS = tuple(field for field in TEMPLATE_FIELDS if field.name not in _NOT_COMPARED)
_SIDES = ("front", "rear")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """``part`` is empty for the template itself, else such as ``port 2``. A part that is added or
    removed has None on one side of each field."""

    part: str
    field: Field
    old: int | str | None
    new: int | str | None

    def __str__(self) -> str:
        name = f"{self.part}: {self.field.member}" if self.part else self.field.member
        return f"{name}: {_quoted(self.old)} -> {_quoted(self.new)}"


def _quoted(value: int | str | None) -> str:
    if value is None:
        return "(none)"
    return str(value) if isinstance(value, int) else f"'{value}'"


def differences(mine: Template | None, wanted: Template) -> list[FieldChange]:
    """The fields that differ; for a new template, those that are not empty."""
    changes = list(_fields("", HEADER_FIELDS, mine, wanted))
    parts = _parts(mine) if mine else {}
    after = _parts(wanted)
    for name in [*after, *(name for name in parts if name not in after)]:
        fields, old = parts.get(name) or (after[name][0], None)
        new = after[name][1] if name in after else None
        found = list(_fields(name, fields, old, new))
        if not found and (old is None) != (new is None):  # an empty part still counts as a part
            found = [
                FieldChange(part=name, field=fields[0], old=_of(old, fields), new=_of(new, fields))
            ]
        changes += found
    return changes


def _of(part: Any, fields: tuple[Field, ...]) -> int | str | None:
    value: int | str | None = None if part is None else getattr(part, fields[0].name)
    return value


def same(field: Field, old: object, new: object) -> bool:
    """Equal values; multipliers are numbers in the database and texts on the wire."""
    if old == new:
        return True
    if not field.name.endswith("multiplier"):
        return False
    try:
        return float(str(old)) == float(str(new))
    except ValueError:
        return False


def _fields(part: str, fields: Iterable[Field], old: Any, new: Any) -> Iterator[FieldChange]:
    for field in fields:
        before = None if old is None else getattr(old, field.name)
        after = None if new is None else getattr(new, field.name)
        if same(field, before, after):
            continue
        if (before or after) or (old is not None and new is not None):
            yield FieldChange(part=part, field=field, old=before, new=after)


def _parts(template: Template) -> Mapping[str, tuple[tuple[Field, ...], object]]:
    """The parts by name, each with its fields."""
    found: dict[str, tuple[tuple[Field, ...], object]] = {}
    for port in template.ports:
        found[f"port {port.number}"] = (PORT_FIELDS[1:], port)
    for port in template.power_ports:
        found[f"power port {port.number}"] = (PORT_FIELDS[1:], port)
    for slot in template.slots:
        side = _SIDES[min(slot.back_side, 1)]
        found[f"{side} slot {slot.position}"] = (SLOT_FIELDS[2:], slot)
    if template.cdu:
        found["CDU"] = (CDU_FIELDS, template.cdu)
    if template.sensor:
        found["sensor"] = (SENSOR_FIELDS, template.sensor)
    return found
