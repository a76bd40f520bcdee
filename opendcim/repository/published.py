"""What is published: manufacturers, templates, and earlier versions of templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from opendcim.records.records import Manufacturer, Template
from opendcim.records.texts import folded, plain
from opendcim.repository import tables
from opendcim.repository.checking import checked_name
from opendcim.repository.refusals import FORBIDDEN, RefusalError
from opendcim.repository.storage import Change, last_change, next_change
from opendcim.repository.stored import StoredPictures, pictures_of, template_of
from shared.errors import ConfigError

_manufacturer = tables.manufacturer
_template = tables.template


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A template and its pictures; picture names in ``template`` are bare."""

    template: Template
    pictures: StoredPictures
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An earlier state of a template; ``approved_by`` is for administrators only."""

    version: int
    template: Template
    pictures: StoredPictures
    request_id: int
    approved: str
    approved_by: str


def manufacturers(connection: Connection, since: str = "") -> list[Manufacturer]:
    """Manufacturers by name; only those that changed at ``since`` or later."""
    query = select(_manufacturer).where(_manufacturer.c.last_modified >= since)
    rows = connection.execute(query)
    found = [_as_manufacturer(row) for row in rows]
    return sorted(found, key=lambda one: (folded(one.name), one.manufacturer_id))


def find_manufacturer(connection: Connection, manufacturer_id: int) -> Manufacturer | None:
    query = select(_manufacturer).where(_manufacturer.c.manufacturer_id == manufacturer_id)
    row = connection.execute(query).first()
    return _as_manufacturer(row) if row else None


def manufacturer_named(connection: Connection, name: str) -> Manufacturer | None:
    query = select(_manufacturer).where(_manufacturer.c.folded == folded(name))
    row = connection.execute(query).first()
    return _as_manufacturer(row) if row else None


def add_manufacturer(connection: Connection, name: str) -> Manufacturer:
    """Raises `RefusalError` if the name exists or is invalid."""
    name = checked_name(plain(name))
    _refuse_known(connection, name)
    change = next_change(connection)
    values = {
        "name": name,
        "folded": folded(name),
        "last_modified": change.at,
        "change": change.number,
    }
    added = connection.execute(_manufacturer.insert().values(**values))
    number = added.inserted_primary_key
    if number is None:
        raise RuntimeError("the database gave no id")
    return Manufacturer(manufacturer_id=int(number[0]), name=name, last_modified=change.at)


def rename_manufacturer(connection: Connection, manufacturer_id: int, name: str) -> None:
    """All clients take the name over. Raises `ConfigError` or `RefusalError`."""
    known = find_manufacturer(connection, manufacturer_id)
    if known is None:
        raise ConfigError(f"manufacturer {manufacturer_id} does not exist")
    name = checked_name(plain(name))
    # A new name that differs by capitals only would find this manufacturer itself.
    if folded(name) != folded(known.name):
        _refuse_known(connection, name)
    change = next_change(connection)
    connection.execute(
        _manufacturer.update()
        .where(_manufacturer.c.manufacturer_id == manufacturer_id)
        .values(name=name, folded=folded(name), last_modified=change.at, change=change.number)
    )


def templates(
    connection: Connection, manufacturer_id: int | None = None, since: str = ""
) -> Iterator[Published]:
    """Templates by manufacturer and model; those of one manufacturer, or all."""
    query = select(_template).where(_template.c.last_modified >= since)
    if manufacturer_id is not None:
        query = query.where(_template.c.manufacturer_id == manufacturer_id)
    rows = connection.execute(query.order_by(_template.c.manufacturer_id, _template.c.folded))
    return (_as_published(row) for row in rows)


def find_template(connection: Connection, template_id: int) -> Published | None:
    return _first(connection, select(_template).where(_template.c.template_id == template_id))


def template_named(connection: Connection, manufacturer_id: int, model: str) -> Published | None:
    """The template with this model, ignoring case."""
    query = select(_template).where(
        _template.c.manufacturer_id == manufacturer_id, _template.c.folded == folded(model)
    )
    return _first(connection, query)


def versions(connection: Connection, template_id: int) -> list[Version]:
    """The latest first."""
    table = tables.template_version
    query = select(table).where(table.c.template_id == template_id)
    return [
        Version(
            version=row.version,
            template=template_of(row.record),
            pictures=pictures_of(row.pictures),
            request_id=row.request_id,
            approved=row.approved,
            approved_by=row.approved_by,
        )
        for row in connection.execute(query.order_by(table.c.version.desc()))
    ]


def change_of_manufacturers(connection: Connection) -> Change:
    """The last change of any manufacturer."""
    # Number and time grow together, so the two maxima are of the same change.
    query = select(func.max(_manufacturer.c.change), func.max(_manufacturer.c.last_modified))
    return _change(connection, query)


def change_of_all_templates(connection: Connection) -> Change:
    """The last change of any template."""
    table = _manufacturer
    query = select(func.max(table.c.templates_change), func.max(table.c.templates_changed))
    return _change(connection, query)


def change_of_templates(connection: Connection, manufacturer_id: int) -> Change:
    """The last change of any template of the manufacturer; of the repository if it is unknown."""
    table = _manufacturer
    query = select(table).where(table.c.manufacturer_id == manufacturer_id)
    row = connection.execute(query).first()
    if row is None:
        return last_change(connection)
    # A manufacturer without templates has no change of templates yet, but always one of its own.
    return Change(
        number=max(row.templates_change, row.change),
        at=max(row.templates_changed, row.last_modified),
    )


def change_of_template(connection: Connection, template_id: int) -> Change:
    query = select(_template).where(_template.c.template_id == template_id)
    row = connection.execute(query).first()
    if row is None:
        return last_change(connection)
    return Change(number=row.change, at=row.last_modified)


def _change(connection: Connection, query: Select[Any]) -> Change:
    row = connection.execute(query).one()
    return Change(number=row[0], at=row[1]) if row[1] else last_change(connection)


def _first(connection: Connection, query: Select[Any]) -> Published | None:
    row = connection.execute(query).first()
    return _as_published(row) if row else None


def _as_published(row: Row[tuple[object, ...]]) -> Published:
    stored = template_of(row.record)
    # The record was written before its id and its time were known; the columns have them.
    template = replace(
        stored,
        template_id=row.template_id,
        manufacturer_id=row.manufacturer_id,
        last_modified=row.last_modified,
    )
    return Published(template=template, pictures=pictures_of(row.pictures), version=row.version)


def _as_manufacturer(row: Row[tuple[object, ...]]) -> Manufacturer:
    return Manufacturer(
        manufacturer_id=row.manufacturer_id, name=row.name, last_modified=row.last_modified
    )


def _refuse_known(connection: Connection, name: str) -> None:
    known = manufacturer_named(connection, name)
    if known:
        raise RefusalError(
            FORBIDDEN,
            f"Manufacturer {known.name} exists already (ManufacturerID {known.manufacturer_id}).",
        )
