"""Checks whether a template can be published; the original checks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from opendcim.records.fields import (
    CDU_FIELDS,
    DEVICE_TYPES,
    PORT_FIELDS,
    SENSOR_FIELDS,
    SNMP_VERSIONS,
    TEMPLATE_FIELDS,
    USUAL_SNMP_VERSION,
    Field,
    ValueType,
)
from opendcim.records.picture_names import base_name
from opendcim.records.records import CduDetails, SensorDetails, Template
from opendcim.repository.refusals import FORBIDDEN, NOT_PROCESSED, RefusalError

# Ports or slots of one template.
_MOST_PARTS = 10_000
# Characters; the column of openDCIM that clients write the name to is as wide (`fields`).
LONGEST_NAME = 80


def checked(template: Template) -> Template:
    """The template with bare picture names, without the parts that its device type does not have.
    Raises `RefusalError` with all faults."""
    tidy = replace(
        template,
        front_picture_file=base_name(template.front_picture_file),
        rear_picture_file=base_name(template.rear_picture_file),
        slots=template.slots if template.is_chassis else (),
        cdu=template.cdu if template.is_cdu else None,
        sensor=template.sensor if template.is_sensor else None,
    )
    if faults := list(_faults(tidy)):
        raise RefusalError(FORBIDDEN, f"{NOT_PROCESSED} {'; '.join(faults)}")
    return tidy


def completed(template: Template) -> Template:
    """The template as it is published: with details, if only empty ones, and a valid SNMP
    version."""
    known = template.snmp_version in SNMP_VERSIONS
    usual = template.snmp_version if known else USUAL_SNMP_VERSION
    details = replace(template, snmp_version=usual)
    if template.is_cdu and template.cdu is None:
        details = replace(details, cdu=CduDetails(snmp_version=usual))
    if template.is_sensor and template.sensor is None:
        details = replace(details, sensor=SensorDetails())
    return details


def checked_name(name: str) -> str:
    """The name of a manufacturer. Raises `RefusalError`."""
    if not name:
        raise RefusalError(FORBIDDEN, f"{NOT_PROCESSED} Name is missing or empty")
    if len(name) > LONGEST_NAME:
        raise RefusalError(
            FORBIDDEN, f"{NOT_PROCESSED} Name has more than {LONGEST_NAME} characters"
        )
    return name


def _faults(template: Template) -> Iterator[str]:
    if not template.model:
        yield "Model is missing or empty (is the Content-Type of the request right?)"
    if template.device_type not in DEVICE_TYPES:
        yield f"DeviceType {template.device_type!r} is none of {', '.join(DEVICE_TYPES)}"
    yield from _of_fields(template, TEMPLATE_FIELDS, "")
    yield from _of_parts(template)
    if template.cdu:
        yield from _of_fields(template.cdu, CDU_FIELDS, "cdutemplate: ")
    if template.sensor:
        yield from _of_fields(template.sensor, SENSOR_FIELDS, "sensortemplate: ")


def _of_parts(template: Template) -> Iterator[str]:
    parts = {
        "ports": template.ports,
        "powerports": template.power_ports,
        "slots": template.slots,
    }
    for name, items in parts.items():
        if len(items) > _MOST_PARTS:
            yield f"{name} are more than {_MOST_PARTS}"
    for port in (*template.ports, *template.power_ports):
        yield from _of_fields(port, PORT_FIELDS, f"port {port.number}: ")
    for slot in template.slots:
        if slot.back_side not in {0, 1}:
            yield f"slot {slot.position}: BackSide is neither 0 nor 1"
        if min(slot.position, slot.x, slot.y, slot.w, slot.h) < 0:
            yield f"slot {slot.position}: a number is below 0"


def _of_fields(value: object, fields: Iterable[Field], where: str) -> Iterator[str]:
    for field in fields:
        found = getattr(value, field.name)
        if field.kind is ValueType.NUMBER and found < 0:
            yield f"{where}{field.member} is below 0"
        elif field.kind is ValueType.TEXT and len(found) > field.longest:
            yield f"{where}{field.member} has more than {field.longest} characters"
