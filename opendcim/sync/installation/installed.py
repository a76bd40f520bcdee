"""Reads an openDCIM installation as the same values that a repository has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select, true

from opendcim.records.fields import CDU_FIELDS, SENSOR_FIELDS, Field
from opendcim.records.reading import read_number, read_template
from opendcim.records.records import Template
from opendcim.records.texts import folded, plain
from opendcim.sync.installation.comparing import HEADER_FIELDS
from opendcim.sync.installation.database import (
    CDU,
    KEPT,
    MANUFACTURER,
    PORTS,
    POWER_PORTS,
    SENSOR,
    SHARED,
    SLOTS,
    SUBSCRIBED,
    TEMPLATE,
    Database,
)

_PARTS = {PORTS: "ports", POWER_PORTS: "powerports", SLOTS: "slots"}
_DETAILS = {CDU: "cdutemplate", SENSOR: "sensortemplate"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalManufacturer:
    """``global_id`` is the repository's id, 0 if it is not linked."""

    manufacturer_id: int
    name: str
    global_id: int
    subscribed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTemplate:
    """``record`` is in the installation's units, with local names of pictures. Its ids are local,
    except ``template_id``: the repository's, 0 if it is not linked."""

    template_id: int
    manufacturer_id: int
    record: Template
    shared: bool
    kept: bool

    @property
    def global_id(self) -> int:
        return self.record.template_id

    @property
    def model(self) -> str:
        return self.record.model


@dataclass(frozen=True, slots=True)
class Installation:
    """Reads on one connection, within its open transaction."""

    database: Database
    connection: Connection

    def manufacturers(self) -> list[LocalManufacturer]:
        table = self.database.tables[MANUFACTURER]
        rows = self._rows(table, true(), order="ManufacturerID")
        return [
            LocalManufacturer(
                manufacturer_id=int(row["ManufacturerID"]),
                name=plain(str(row["Name"] or "")),
                global_id=_number(row, "GlobalID"),
                subscribed=bool(_number(row, SUBSCRIBED)),
            )
            for row in rows
        ]

    def templates(self, manufacturer_id: int | None = None) -> list[LocalTemplate]:
        """The templates of one manufacturer, or all."""
        table = self.database.tables[TEMPLATE]
        if manufacturer_id is None:
            return self._templates(true())
        return self._templates(table.c.ManufacturerID == manufacturer_id)

    def template(self, template_id: int) -> LocalTemplate | None:
        """The template with this id, as it is now."""
        table = self.database.tables[TEMPLATE]
        return next(iter(self._templates(table.c.TemplateID == template_id)), None)

    def _templates(self, wanted: ColumnElement[bool]) -> list[LocalTemplate]:
        table = self.database.tables[TEMPLATE]
        headers = self._rows(table, wanted, order="TemplateID")
        numbers = select(table.c.TemplateID).where(wanted)
        parts = {name: self._by_template(name, numbers) for name in (*_PARTS, *_DETAILS)}
        return [_template(row, parts) for row in headers]

    def picture_is_used(self, name: str) -> bool:
        """Whether any template shows a picture with this name."""
        table = self.database.tables[TEMPLATE]
        columns = [
            c
            for c in (table.c.get("FrontPictureFile"), table.c.get("RearPictureFile"))
            if c is not None
        ]
        return any(
            self.connection.execute(select(func.count()).where(column == name)).scalar_one()
            for column in columns
        )

    def _rows(self, table: Table, wanted: ColumnElement[bool], *, order: str) -> list[Row]:
        query = select(table).where(wanted).order_by(table.c[order])
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def _by_template(self, name: str, numbers: Select[Any]) -> Mapping[int, list[Row]]:
        table = self.database.tables[name]
        query = select(table).where(table.c.TemplateID.in_(numbers))
        found: dict[int, list[Row]] = defaultdict(list)
        for row in self.connection.execute(query).mappings():
            found[int(row["TemplateID"])].append(dict(row))
        return found


def storable(database: Database, record: Template) -> Template:
    """The template without the parts that this version of openDCIM has no columns for."""

    def absent(table: str, fields: Iterable[Field]) -> dict[str, Any]:
        return {f.name: f.empty for f in fields if not database.has(table, f.member)}

    without: dict[str, Any] = absent(TEMPLATE, HEADER_FIELDS)
    if record.cdu:
        without["cdu"] = replace(record.cdu, **absent(CDU, CDU_FIELDS))
    if record.sensor:
        without["sensor"] = replace(record.sensor, **absent(SENSOR, SENSOR_FIELDS))
    return replace(record, **without)


def _template(row: Row, parts: Mapping[str, Mapping[int, list[Row]]]) -> LocalTemplate:
    number = int(row["TemplateID"])
    members: dict[str, object] = dict(row)
    for table, member in _PARTS.items():
        members[member] = list(parts[table].get(number, []))
    for table, member in _DETAILS.items():
        details = parts[table].get(number)
        members[member] = dict(details[0]) if details else None
    record = replace(read_template(members), template_id=_number(row, "GlobalID"), last_modified="")
    return LocalTemplate(
        template_id=number,
        manufacturer_id=int(row["ManufacturerID"]),
        record=record,
        shared=bool(_number(row, SHARED)),
        kept=bool(_number(row, KEPT)),
    )


def _number(row: Row, column: str) -> int:
    return read_number(row.get(column), column)


def names(listed: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Names in settings of the form ``Manufacturer/Model``, folded for comparison. A model may
    contain slashes."""
    pairs = (item.partition("/") for item in listed)
    return frozenset((folded(maker), folded(model)) for maker, _, model in pairs)
