"""Changes that a moderator makes to a submission before it is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opendcim.records.fields import (
    CDU_FIELDS,
    SENSOR_FIELDS,
    SLOT_FIELDS,
    TEMPLATE_FIELDS,
    Field,
    ValueType,
)
from opendcim.records.reading import read_number, read_text
from opendcim.records.records import Template
from opendcim.repository.comparison import slot_name
from shared.errors import FormatError

_FIXED = {"TemplateID", "LastModified", "FrontPictureFile", "RearPictureFile"}
EDITABLE = tuple(field for field in TEMPLATE_FIELDS if field.member not in _FIXED)
PORT, POWER_PORT = "Port ", "Power port "
# Position and side are parts of the name of a slot in a form, so they cannot be edited there.
_SLOT_FIELDS = tuple(field for field in SLOT_FIELDS if field.member in {"X", "Y", "W", "H"})


def edited(template: Template, values: Mapping[str, str]) -> Template:
    """``values`` by the names of `editable_values`. Raises `FormatError` for an invalid value and
    for a member that cannot be edited."""
    unknown = [name for name in values if name not in editable_values(template)]
    if unknown:
        raise FormatError(f"{unknown[0]}: there is no such member to change")
    changed = replace(
        template,
        ports=tuple(
            replace(port, label=read_text(values.get(f"{PORT}{port.number}", port.label), PORT))
            for port in template.ports
        ),
        power_ports=tuple(
            replace(
                port, label=read_text(values.get(f"{POWER_PORT}{port.number}", port.label), PORT)
            )
            for port in template.power_ports
        ),
    )
    changed = replace(
        changed,
        slots=tuple(
            replace(slot, **_read(_SLOT_FIELDS, values, f"{slot_name(slot)} "))
            for slot in template.slots
        ),
    )
    if changed.cdu:
        changed = replace(changed, cdu=replace(changed.cdu, **_read(CDU_FIELDS, values, "CDU ")))
    if changed.sensor:
        read = _read(SENSOR_FIELDS, values, "Sensor ")
        changed = replace(changed, sensor=replace(changed.sensor, **read))
    return replace(changed, **_read(EDITABLE, values, ""))


def editable_values(template: Template) -> dict[str, str]:
    """All members that can be edited, with their present values."""
    values = _as_texts(template, EDITABLE, "")
    values |= {f"{PORT}{port.number}": port.label for port in template.ports}
    values |= {f"{POWER_PORT}{port.number}": port.label for port in template.power_ports}
    for slot in template.slots:
        values |= _as_texts(slot, _SLOT_FIELDS, f"{slot_name(slot)} ")
    if template.cdu:
        values |= _as_texts(template.cdu, CDU_FIELDS, "CDU ")
    if template.sensor:
        values |= _as_texts(template.sensor, SENSOR_FIELDS, "Sensor ")
    return values


def _as_texts(value: object, fields: tuple[Field, ...], prefix: str) -> dict[str, str]:
    return {f"{prefix}{field.member}": str(getattr(value, field.name)) for field in fields}


def _read(fields: tuple[Field, ...], values: Mapping[str, str], prefix: str) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for field in fields:
        name = f"{prefix}{field.member}"
        if name in values:
            reader = read_number if field.kind is ValueType.NUMBER else read_text
            read[field.name] = reader(values[name], name)
    return read
