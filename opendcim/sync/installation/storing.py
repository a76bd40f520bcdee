"""Writes manufacturers and templates into an openDCIM installation, within the caller's
transaction.

Only columns that the repository has, and that differ, are written: all other columns keep their
local values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, and_

from opendcim.records.fields import CDU_FIELDS, PORT_FIELDS, SENSOR_FIELDS, SLOT_FIELDS, Field
from opendcim.records.records import Template
from opendcim.sync.installation.columns import must_be_given, nothing, stored
from opendcim.sync.installation.comparing import HEADER_FIELDS, FieldChange, same
from opendcim.sync.installation.database import (
    CDU,
    KEPT,
    LOG,
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
from opendcim.sync.installation.installed import LocalManufacturer, LocalTemplate

_USER = "openbis-sync"
# Actions of openDCIM's audit log.
_CREATED, _MODIFIED = "1", "3"
_LONGEST_LOGGED = 255

Key = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Storing:
    """Writes on one connection."""

    database: Database
    connection: Connection

    def add_manufacturer(self, name: str, global_id: int) -> None:
        """Adds a manufacturer without a subscription."""
        number = self._insert(
            MANUFACTURER, {"Name": name, "GlobalID": global_id, SUBSCRIBED: 0}, name
        )
        self._log("Manufacturer", number, _CREATED, [("Name", None, name)])

    def change_manufacturer(self, local: LocalManufacturer, name: str, global_id: int) -> None:
        wanted = {"Name": name, "GlobalID": global_id}
        self._update(MANUFACTURER, {"ManufacturerID": local.manufacturer_id}, wanted, name)
        logged: list[tuple[str, object, object]] = [
            ("Name", local.name, name),
            ("GlobalID", local.global_id, global_id),
        ]
        changed = [one for one in logged if one[1] != one[2]]
        self._log("Manufacturer", local.manufacturer_id, _MODIFIED, changed)

    def add_template(
        self, manufacturer_id: int, wanted: Template, changes: Iterable[FieldChange], *, kept: bool
    ) -> int:
        """Returns the local id."""
        row = _row(HEADER_FIELDS, wanted) | {
            "ManufacturerID": manufacturer_id,
            "GlobalID": wanted.template_id,
            SHARED: 0,
            KEPT: int(kept),
        }
        number = self._insert(TEMPLATE, row, wanted.model)
        self._store_parts(number, manufacturer_id, None, wanted)
        self._log_changes(number, _CREATED, changes)
        return number

    def change_template(
        self, local: LocalTemplate, wanted: Template, changes: Iterable[FieldChange]
    ) -> None:
        """The flags stay as they are."""
        key = {"TemplateID": local.template_id}
        header = {
            field.member: getattr(wanted, field.name)
            for field in HEADER_FIELDS
            if not same(field, getattr(local.record, field.name), getattr(wanted, field.name))
        }
        if local.global_id != wanted.template_id:
            header["GlobalID"] = wanted.template_id
        self._update(TEMPLATE, key, header, wanted.model)
        self._store_parts(local.template_id, local.manufacturer_id, local.record, wanted)
        self._log_changes(local.template_id, _MODIFIED, changes)

    def clear_share_mark(self, template_id: int, model: str) -> None:
        self._update(TEMPLATE, {"TemplateID": template_id}, {SHARED: 0}, model)
        self._log("DeviceTemplate", template_id, _MODIFIED, [(SHARED, 1, 0)])

    def set_picture(self, template_id: int, column: str, name: str, model: str) -> None:
        self._update(TEMPLATE, {"TemplateID": template_id}, {column: name}, model)

    def _store_parts(
        self, number: int, manufacturer_id: int, mine: Template | None, wanted: Template
    ) -> None:
        here = mine or Template(manufacturer_id=0, model=wanted.model)
        of = {"TemplateID": number}
        for table, fields, old, new in (
            (PORTS, PORT_FIELDS, here.ports, wanted.ports),
            (POWER_PORTS, PORT_FIELDS, here.power_ports, wanted.power_ports),
            (SLOTS, SLOT_FIELDS, here.slots, wanted.slots),
        ):
            keys = fields[:1] if fields is PORT_FIELDS else fields[:2]
            self._store_list(table, (keys, fields[len(keys) :]), of, (old, new), wanted.model)
        head = of | {"ManufacturerID": manufacturer_id}
        self._store_details(CDU, CDU_FIELDS, head, (here.cdu, wanted.cdu), wanted.model)
        self._store_details(SENSOR, SENSOR_FIELDS, head, (here.sensor, wanted.sensor), wanted.model)

    def _store_list(
        self,
        table: str,
        fields: tuple[tuple[Field, ...], tuple[Field, ...]],
        of: Key,
        lists: tuple[Iterable[object], Iterable[object]],
        model: str,
    ) -> None:
        """``fields`` are the key of the parts and their other fields; ``lists`` are before and
        after."""
        keys, others = fields
        before, after = ({_key(keys, part): part for part in one} for one in lists)
        for key, part in before.items():
            if key not in after:
                self._delete(table, {**of, **_row(keys, part)})
        for key, part in after.items():
            where = {**of, **_row(keys, part)}
            if key not in before:
                self._insert(table, {**where, **_row(others, part)}, model)
            elif before[key] != part:
                self._update(table, where, _row(others, part), model)

    def _store_details(
        self,
        table: str,
        fields: tuple[Field, ...],
        head: Mapping[str, int],
        details: tuple[object | None, object | None],
        model: str,
    ) -> None:
        """The tables of details repeat manufacturer and model, which must follow the template's."""
        old, new = details
        of = {"TemplateID": head["TemplateID"]}
        if new is None:
            if old is not None:
                self._delete(table, of)
            return
        row = {**_row(fields, new), "ManufacturerID": head["ManufacturerID"], "Model": model}
        if old is None:
            self._delete(table, of)  # an empty one is read as missing
            self._insert(table, {**of, **row}, model)
        else:
            self._update(table, of, row, model)

    def _insert(self, name: str, values: Mapping[str, object], model: str) -> int:
        table = self.database.tables[name]
        row = self._fitting(table, values, model)
        for column in table.columns:
            if column.name not in row and must_be_given(column):
                row[column.name] = nothing(column)
        result = self.connection.execute(table.insert().values(row))
        key = result.inserted_primary_key
        return int(key[0]) if key and key[0] is not None else 0

    def _update(self, name: str, key: Key, values: Mapping[str, object], model: str) -> None:
        table = self.database.tables[name]
        if row := self._fitting(table, values, model):
            self.connection.execute(table.update().where(_at(table, key)).values(row))

    def _delete(self, name: str, key: Key) -> None:
        table = self.database.tables[name]
        self.connection.execute(table.delete().where(_at(table, key)))

    def _fitting(self, table: Table, values: Mapping[str, object], model: str) -> dict[str, object]:
        """The values that this version has columns for. Raises `ItemError` for one that does not
        fit."""
        return {
            name: stored(table.c[name], value, model)
            for name, value in values.items()
            if name in table.c
        }

    def _log_changes(self, number: int, action: str, changes: Iterable[FieldChange]) -> None:
        properties = [
            (f"{one.part} {one.field.member}".strip(), one.old, one.new) for one in changes
        ]
        self._log("DeviceTemplate", number, action, properties)

    def _log(
        self, kind: str, number: int, action: str, changes: Iterable[tuple[str, object, object]]
    ) -> None:
        """Writes openDCIM's audit log, as its pages do."""
        table = self.database.tables.get(LOG)
        if table is None:
            return
        for name, old, new in changes:
            entry = {
                "UserID": _USER,
                "Class": kind,
                "ObjectID": str(number),
                "Action": action,
                "Property": name[:_LONGEST_LOGGED],
                "OldVal": str("" if old is None else old)[:_LONGEST_LOGGED],
                "NewVal": str("" if new is None else new)[:_LONGEST_LOGGED],
                "Time": datetime.now().astimezone().replace(tzinfo=None, microsecond=0),
            }
            row = {name: value for name, value in entry.items() if name in table.c}
            self.connection.execute(table.insert().values(row))


def _row(fields: Iterable[Field], value: object) -> dict[str, Any]:
    return {field.member: getattr(value, field.name) for field in fields}


def _key(keys: Iterable[Field], part: object) -> tuple[Any, ...]:
    return tuple(getattr(part, field.name) for field in keys)


def _at(table: Table, key: Key) -> Any:
    return and_(*(table.c[name] == value for name, value in key.items()))
