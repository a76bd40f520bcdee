"""Values to parsed JSON: what a server publishes and shows of its queue, and what a client submits.

All values are texts, as in the original before PHP 8.1; with ``numbers``, numbers are numbers, as
since then. The original's clients read both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opendcim.records.fields import (
    CDU_FIELDS,
    MANUFACTURER_FIELDS,
    PORT_FIELDS,
    SENSOR_FIELDS,
    SLOT_FIELDS,
    SUBMITTED_PARTS,
    TEMPLATE_FIELDS,
    Field,
    ValueType,
)
from opendcim.records.records import Manufacturer, Template
from opendcim.records.texts import encoded

Record = dict[str, object]

_NO_TIME = "0000-00-00 00:00:00"
_UNSEEN = ("LastModified",)


def write_manufacturer(manufacturer: Manufacturer, *, numbers: bool = False) -> Record:
    """A published manufacturer. The ``&`` in its name is bare, as in the original."""
    record = _record(manufacturer, MANUFACTURER_FIELDS, numbers=numbers)
    return {**record, "Name": encoded(manufacturer.name).replace("&#38;", "&")}


def write_template(template: Template, *, numbers: bool = False) -> Record:
    """A published record with its parts; slots, CDU and sensor details only if the device type has
    them."""
    record = _record(template, TEMPLATE_FIELDS, numbers=numbers)
    key: Record = {"TemplateID": record["TemplateID"]}
    details = _details_of(template, key, numbers=numbers)
    # The original sends a time with details of a CDU; `CduDetails` has none.
    if "cdutemplate" in details:
        details["cdutemplate"] = {**_object(details["cdutemplate"]), "LastModified": _NO_TIME}
    return {**record, **details, **_ports_of(template, key, numbers=numbers)}


def write_queued(
    template: Template, request_id: int, stamps: Mapping[str, object], *, numbers: bool = False
) -> Record:
    """A queued record with its parts. ``stamps`` has the members that the queue adds: who submitted
    and decided, and when. Details that were not submitted are an object of nulls."""
    request: Record = {"RequestID": _number(request_id, numbers=numbers)}
    record = _record(template, TEMPLATE_FIELDS, numbers=numbers)
    key: Record = {**request, "TemplateID": record["TemplateID"]}
    details = _details_of(template, key, numbers=numbers)
    if template.is_cdu and template.cdu is None:
        details["cdutemplate"] = _unset(key, CDU_FIELDS)
    if template.is_sensor and template.sensor is None:
        details["sensortemplate"] = _unset(key, SENSOR_FIELDS)
    header = write_queue_header(template, request_id, stamps, numbers=numbers)
    return {**header, **details, **_ports_of(template, key, numbers=numbers)}


def write_queue_header(
    template: Template, request_id: int, stamps: Mapping[str, object], *, numbers: bool = False
) -> Record:
    """A queued record without its parts, as in the list of the queue."""
    record = _record(template, TEMPLATE_FIELDS, numbers=numbers)
    request: Record = {"RequestID": _number(request_id, numbers=numbers)}
    before = {name: value for name, value in record.items() if name not in _UNSEEN}
    return {**request, **_with_notes(before), **stamps}


def write_submission(template: Template) -> Record:
    """The tree of a submission. ``template_id`` becomes ``GlobalID``: the repository's id, or 0.

    In a form its keys are ``template[Model]``, ``slots[0][X]``.
    """
    record = _record(template, TEMPLATE_FIELDS, numbers=True)
    sent = {name: value for name, value in record.items() if name not in _UNSEEN}
    published = {
        **_details_of(template, {}, numbers=True),
        **_ports_of(template, {}, numbers=True),
    }
    parts = {
        submitted: published[name]
        for submitted, name in SUBMITTED_PARTS.items()
        if name in published
    }
    return {"template": {**sent, "GlobalID": template.template_id}, **parts}


def _with_notes(record: Record) -> Record:
    """Adds ``Notes`` before the pictures; the queue never stores them."""
    written: Record = {}
    for name, value in record.items():
        if name == "FrontPictureFile":
            written["Notes"] = None
        written[name] = value
    return written


def _details_of(template: Template, key: Record, *, numbers: bool) -> Record:
    details: Record = {}
    if template.is_chassis:
        details["slots"] = [
            {**key, **_record(slot, SLOT_FIELDS, numbers=numbers)} for slot in template.slots
        ]
    if template.is_cdu and template.cdu:
        details["cdutemplate"] = {**key, **_record(template.cdu, CDU_FIELDS, numbers=numbers)}
    if template.is_sensor and template.sensor:
        record = _record(template.sensor, SENSOR_FIELDS, numbers=numbers)
        details["sensortemplate"] = {**key, **record}
    return details


def _ports_of(template: Template, key: Record, *, numbers: bool) -> Record:
    return {
        "ports": [{**key, **_record(p, PORT_FIELDS, numbers=numbers)} for p in template.ports],
        "powerports": [
            {**key, **_record(p, PORT_FIELDS, numbers=numbers)} for p in template.power_ports
        ],
    }


def _record(value: object, fields: Iterable[Field], *, numbers: bool) -> Record:
    return {f.member: _written(getattr(value, f.name), f.kind, numbers=numbers) for f in fields}


def _written(value: int | str, kind: ValueType, *, numbers: bool) -> object:
    if isinstance(value, int):
        return _number(value, numbers=numbers)
    return (value or _NO_TIME) if kind is ValueType.TIME else encoded(value)


def _number(value: int, *, numbers: bool) -> object:
    return value if numbers else str(value)


def _unset(key: Record, fields: Iterable[Field]) -> Record:
    members = [f.member for f in fields if f.member != "SNMPVersion"]
    return dict.fromkeys(["RequestID", *(name for name in key if name != "RequestID"), *members])


def _object(value: object) -> Record:
    return dict(value) if isinstance(value, dict) else {}
