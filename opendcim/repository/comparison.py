"""Compares a submission with the published template that it would change, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opendcim.records.fields import CDU_FIELDS, SENSOR_FIELDS, TEMPLATE_FIELDS, Field
from opendcim.records.records import Port, Slot, Template

# The repository gives both, so they say nothing about what the submitter changed.
_NOT_COMPARED = {"TemplateID", "LastModified"}
_SIDES = ("front", "rear")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``before`` is None if nothing is published; "" on either side means an empty value."""

    member: str
    before: str | None
    after: str

    @property
    def differs(self) -> bool:
        return self.before is not None and self.before != self.after


def compared(
    before: Template | None, after: Template, manufacturers: Mapping[int, str]
) -> list[Line]:
    """All fields of both, in the order of the wire. Manufacturers are shown by their names."""
    old = dict(_members(before, manufacturers)) if before else None
    new = dict(_members(after, manufacturers))
    members = list(new)
    members += [member for member in old or {} if member not in new]
    return [
        Line(
            member=member,
            before=None if old is None else old.get(member, ""),
            after=new.get(member, ""),
        )
        for member in members
    ]


def _members(template: Template, manufacturers: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    for member, value in _fields(template, TEMPLATE_FIELDS):
        if member == "ManufacturerID":
            yield "Manufacturer", manufacturers.get(template.manufacturer_id, value)
        elif member not in _NOT_COMPARED:
            yield member, value
    yield from _ports("Port", template.ports)
    yield from _ports("Power port", template.power_ports)
    for slot in template.slots:
        yield slot_name(slot), f"x {slot.x}, y {slot.y}, {slot.w} by {slot.h} px"
    if template.cdu:
        yield from _fields(template.cdu, CDU_FIELDS, "CDU ")
    if template.sensor:
        yield from _fields(template.sensor, SENSOR_FIELDS, "Sensor ")


def slot_name(slot: Slot) -> str:
    side = _SIDES[slot.back_side] if slot.back_side in {0, 1} else "?"
    return f"Slot {slot.position} {side}"


def _ports(kind: str, ports: Iterable[Port]) -> Iterator[tuple[str, str]]:
    for port in ports:
        yield f"{kind} {port.number}", port.label or "(no label)"


def _fields(value: object, fields: Iterable[Field], prefix: str = "") -> Iterator[tuple[str, str]]:
    for field in fields:
        found = getattr(value, field.name)
        unit = f" {field.unit}" if field.unit else ""
        yield f"{prefix}{field.member}", f"{found}{unit}"
