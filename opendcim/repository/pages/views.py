"""What the pages show, as values for the templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from opendcim.records.fields import (
    CDU_FIELDS,
    DEVICE_TYPES,
    PORT_FIELDS,
    SENSOR_FIELDS,
    SNMP_VERSIONS,
    TEMPLATE_FIELDS,
    Field,
    ValueType,
)
from opendcim.records.picture_names import published_name
from opendcim.records.records import Slot, Template
from opendcim.repository.checking import completed
from opendcim.repository.comparison import Line, compared
from opendcim.repository.edits import editable_values
from opendcim.repository.published import Published, Version
from opendcim.repository.queue import Submission
from opendcim.repository.site import PAGES, PICTURES
from opendcim.repository.stored import SIDES, StoredPicture

SUBMITTED, PUBLISHED, NONE = "submitted", "published", "none"

_MANUFACTURER_ID = "ManufacturerID"
_PORT_LABEL = PORT_FIELDS[1]
_SLOT_PARTS = ("X", "Y", "W", "H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A value that the moderator may change; ``choices`` are values and their texts."""

    name: str
    value: str
    number: bool = False
    longest: int = 0
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    line: Line
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One picture with the slots of its side, or the choice of no picture. Sizes in pixels."""

    # Has the picture's checksum, so the form names the picture that the page showed.
    choice: str
    title: str
    chosen: bool
    label: str = ""
    address: str = ""
    width: int = 0
    height: int = 0
    slots: tuple[Slot, ...] = ()
    font: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    name: str
    title: str
    views: tuple[View, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """``lines`` has all fields of the first version, and the changes of a later one."""

    version: int
    approved: str
    approved_by: str
    request_id: int
    changes: bool
    lines: tuple[Line, ...]


def field_rows(
    template: Template, published: Published | None, manufacturers: Mapping[int, str]
) -> list[FieldRow]:
    """Fields that differ first, then the order of the wire."""
    after = completed(template)
    before = published.template if published else None
    values = editable_values(after)
    rows = [
        FieldRow(line=line, inputs=tuple(_inputs(line.member, values, manufacturers)))
        for line in compared(before, after, manufacturers)
    ]
    return sorted(rows, key=lambda row: not row.line.differs)


def _inputs(
    member: str, values: Mapping[str, str], manufacturers: Mapping[int, str]
) -> Iterator[Input]:
    if member == "Manufacturer":
        choices = tuple((str(number), name) for number, name in manufacturers.items())
        yield Input(name=_MANUFACTURER_ID, value=values[_MANUFACTURER_ID], choices=choices)
    elif member in values:
        yield _input(member, values[member])
    else:
        for part in _SLOT_PARTS:
            name = f"{member} {part}"
            if name in values:
                yield Input(name=name, value=values[name], number=True, unit=part.lower())


def _input(member: str, value: str) -> Input:
    if member == "DeviceType":
        return Input(name=member, value=value, choices=tuple((one, one) for one in DEVICE_TYPES))
    if member == "SNMPVersion":
        return Input(name=member, value=value, choices=tuple((one, one) for one in SNMP_VERSIONS))
    field = _field_of(member)
    return Input(
        name=member,
        value=value,
        number=field.kind is ValueType.NUMBER,
        longest=field.longest,
        unit=field.unit,
    )


def _field_of(member: str) -> Field:
    named = {field.member: field for field in TEMPLATE_FIELDS}
    named |= {f"CDU {field.member}": field for field in CDU_FIELDS}
    named |= {f"Sensor {field.member}": field for field in SENSOR_FIELDS}
    # All other members are ports, which have nothing to edit but their label.
    return named.get(member, _PORT_LABEL)


def sides(submission: Submission, published: Published | None) -> list[Side]:
    """Front and rear, with all pictures to choose from."""
    return [
        Side(
            name=name,
            title=name.capitalize(),
            views=tuple(_views(name, submission, published)),
        )
        for name in SIDES
    ]


def _views(side: str, submission: Submission, published: Published | None) -> Iterator[View]:
    template = submission.template
    if template is None:
        return
    offered, present = submission.pictures.get(side), None
    if offered:
        address = f"{PAGES}/requests/{submission.request_id}/pictures/{side}"
        yield _view(SUBMITTED, offered, address, _slots(template, side), chosen=True)
    if published and (present := published.pictures.get(side)):
        known = published.template
        address = f"{PICTURES}/{published_name(known.template_id, present.name)}"
        yield _view(PUBLISHED, present, address, _slots(known, side), chosen=not offered)
    missing = template.picture_files[side] if not offered else ""
    yield _no_picture(_slots(template, side), missing, chosen=not (offered or present))


def _view(
    choice: str, picture: StoredPicture, address: str, slots: tuple[Slot, ...], *, chosen: bool
) -> View:
    count = f", {len(slots)} slots" if slots else ""
    title = f"{choice.capitalize()}: {picture.name}, {picture.width} by {picture.height} px{count}"
    outside = [s for s in slots if s.x + s.w > picture.width or s.y + s.h > picture.height]
    return View(
        choice=f"{choice}:{picture.sha256}",
        title=title,
        chosen=chosen,
        label=title,
        address=address,
        width=picture.width,
        height=picture.height,
        slots=slots,
        font=_font(slots),
        note=f"{len(outside)} slots reach beyond the picture." if outside else "",
    )


def _no_picture(slots: tuple[Slot, ...], missing: str, *, chosen: bool) -> View:
    note = f"{missing} is named, but was not uploaded." if missing else ""
    drawn = slots if chosen else ()
    return View(
        choice=NONE,
        title="No picture",
        chosen=chosen,
        label=f"{len(drawn)} slots without a picture",
        width=max((slot.x + slot.w for slot in drawn), default=0),
        height=max((slot.y + slot.h for slot in drawn), default=0),
        slots=drawn,
        font=_font(drawn),
        note=note,
    )


def _slots(template: Template, side: str) -> tuple[Slot, ...]:
    return tuple(slot for slot in template.slots if slot.back_side == SIDES.index(side))


def _font(slots: tuple[Slot, ...]) -> int:
    """Font size of the numbers, so that they fit into the smallest slot."""
    return max(6, min((min(slot.w, slot.h) for slot in slots), default=12) // 2)


def version_views(versions: list[Version], manufacturers: Mapping[int, str]) -> list[VersionView]:
    views = []
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        lines = compared(before.template if before else None, version.template, manufacturers)
        shown = [line for line in lines if line.differs] if before else lines
        views.append(
            VersionView(
                version=version.version,
                approved=version.approved,
                approved_by=version.approved_by,
                request_id=version.request_id,
                changes=before is not None,
                lines=tuple(shown),
            )
        )
    return views


def near_names(name: str, published: Mapping[int, str]) -> list[str]:
    """Published names that may mean the same, such as ``Dell`` for ``Dell, Inc.``."""
    lower, asked = {known.casefold(): known for known in published.values()}, name.casefold()
    near = get_close_matches(asked, list(lower), n=5, cutoff=0.6)
    begins = [one for one in lower if asked.startswith(one) or one.startswith(asked)]
    return sorted({lower[one] for one in (*near, *begins)})
