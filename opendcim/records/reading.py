"""Reads values from parsed JSON, or from a form made a tree, of any known server or client.

Numbers may be texts and texts numbers; members may be missing, null or empty; unknown members are
ignored; names may be HTML-encoded; a list may be an object with numbers as keys, as PHP writes it.
A value that cannot be read raises a `FormatError` that names the template and the member.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from opendcim.records.fields import (
    CDU_FIELDS,
    MANUFACTURER_FIELDS,
    PORT_FIELDS,
    SENSOR_FIELDS,
    SLOT_FIELDS,
    SNMP_VERSIONS,
    SUBMITTED_PARTS,
    TEMPLATE_FIELDS,
    USUAL_SNMP_VERSION,
    Field,
    ValueType,
)
from opendcim.records.records import CduDetails, Manufacturer, Port, SensorDetails, Slot, Template
from opendcim.records.texts import plain
from shared.errors import FormatError

# Largest whole number in openDCIM's database.
_LARGEST = 2**31 - 1

_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,15})?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_NO_YEAR = "0000"

T = TypeVar("T")


def read_manufacturer(record: object) -> Manufacturer:
    """A published manufacturer. Raises `FormatError`."""
    where = _named("manufacturer", record, "Name", "ManufacturerID")
    return Manufacturer(**_values(record, MANUFACTURER_FIELDS, where))


def read_template(record: object) -> Template:
    """A record as published or queued, with its parts. Raises `FormatError`."""
    where = _named("template", record, "Model", "TemplateID")
    members = _members(record, where)
    values = _values(members, TEMPLATE_FIELDS, where)
    return Template(
        **values,
        ports=_ports(members, "ports", where),
        power_ports=_ports(members, "powerports", where),
        slots=_slots(members, where),
        cdu=_details(members, "cdutemplate", CDU_FIELDS, CduDetails, where),
        sensor=_details(members, "sensortemplate", SENSOR_FIELDS, SensorDetails, where),
    )


def read_submission(tree: object) -> Template:
    """A submission: the template, and its parts beside it. Raises `FormatError`.

    The id is ``GlobalID``, since ``TemplateID`` is the client's own. As in the original, an unknown
    SNMP version becomes 2c, and parts that are neither lists nor objects count as missing.
    """
    members = _members(tree, "the submission")
    template = members.get("template")
    if not isinstance(template, Mapping):
        raise FormatError(
            "there is no member template (is the Content-Type of the request that of its body?)"
        )
    parts = {
        published: members[submitted]
        for submitted, published in SUBMITTED_PARTS.items()
        if isinstance(members.get(submitted), Mapping | list)
    }
    read = read_template(
        {**template, "TemplateID": template.get("GlobalID"), "LastModified": None, **parts}
    )
    known = read.snmp_version in SNMP_VERSIONS
    return read if known else replace(read, snmp_version=USUAL_SNMP_VERSION)


def read_number(value: object, where: str) -> int:
    """A whole number; fractions are rounded half up, as by the original's database. Raises
    `FormatError`."""
    if value is None or value is False or value == "":
        return 0
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return 0
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
    elif isinstance(value, int | float):
        number = float(value)
    else:
        number = math.nan
    # The negation also refuses NaN, for which each comparison is false.
    if not abs(number) <= _LARGEST:
        raise FormatError(f"{where}: {_abbreviated(value)} is no number that can be stored")
    return math.floor(number + 0.5)


def read_text(value: object, where: str) -> str:
    """Plain text. Raises `FormatError`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    raise FormatError(f"{where}: {_abbreviated(value)} is no text")


def _time(value: object, where: str) -> str:
    text = read_text(value, where)
    return text if _TIME.fullmatch(text) and not text.startswith(_NO_YEAR) else ""


_READERS = {ValueType.NUMBER: read_number, ValueType.TEXT: read_text, ValueType.TIME: _time}


def _values(record: object, fields: Iterable[Field], where: str) -> dict[str, Any]:
    members = _members(record, where)
    return {
        field.name: _READERS[field.kind](members.get(field.member), f"{where}: {field.member}")
        for field in fields
    }


def _ports(members: Mapping[str, object], member: str, where: str) -> tuple[Port, ...]:
    read = [
        Port(**_values(item, PORT_FIELDS, place)) for item, place in _items(members, member, where)
    ]
    _refuse_doubles([port.number for port in read], f"{where}: {member}")
    return tuple(sorted(read, key=lambda port: port.number))


def _slots(members: Mapping[str, object], where: str) -> tuple[Slot, ...]:
    read = [
        Slot(**_values(item, SLOT_FIELDS, place)) for item, place in _items(members, "slots", where)
    ]
    _refuse_doubles([(slot.back_side, slot.position) for slot in read], f"{where}: slots")
    return tuple(sorted(read, key=lambda slot: (slot.back_side, slot.position)))


def _refuse_doubles(keys: Sequence[object], where: str) -> None:
    # A client stores parts by these keys: one of two would be lost without an error.
    doubles = [key for key, times in Counter(keys).items() if times > 1]
    if doubles:
        raise FormatError(f"{where}: {doubles[0]} is there twice")


def _details(
    members: Mapping[str, object], member: str, fields: tuple[Field, ...], kind: type[T], where: str
) -> T | None:
    """None for an object of nulls, which the original sends if there are no details."""
    record = members.get(member)
    if not isinstance(record, Mapping) or all(record.get(f.member) is None for f in fields):
        return None
    return kind(**_values(record, fields, f"{where}: {member}"))


def _items(members: Mapping[str, object], member: str, where: str) -> Iterable[tuple[object, str]]:
    """The items of a list, each with its place for error messages."""
    value = members.get(member)
    if value is None or value == "":
        return []
    if isinstance(value, Mapping):
        return [(item, f"{where}: {member}[{key}]") for key, item in value.items()]
    if isinstance(value, list):
        return [(item, f"{where}: {member}[{index}]") for index, item in enumerate(value)]
    raise FormatError(f"{where}: {member} is no list but {_abbreviated(value)}")


def _members(record: object, where: str) -> Mapping[str, object]:
    if not isinstance(record, Mapping):
        raise FormatError(f"{where} is no object with members but {_abbreviated(record)}")
    return record


def _named(kind: str, record: object, name: str, number: str) -> str:
    if not isinstance(record, Mapping):
        return f"a {kind}"
    shown = str(record.get(name) or "")[:80]
    return f"{kind} {record.get(number) or ''} {shown!r}".replace("  ", " ")


def _abbreviated(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits into a line of a log
