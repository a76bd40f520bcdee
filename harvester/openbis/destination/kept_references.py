"""Keeps links and values that lead to entities which the list lacks and which stay: their deletion
is held back or forbidden, or they were restored. A narrower role of the source's user hides an
entity and the links to it alike, so these links count as hidden, not as gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, exists, select, text

from harvester.openbis.destination.kept_values import unlisted, with_kept
from shared.model.kinds import Kind
from shared.model.properties import PropertyValue, read_properties
from shared.store import incoming_tables, tables
from shared.store.rows import properties_text
from shared.store.statements import Rows, SqlFile, execute_from

_FILE = SqlFile("harvester.openbis.destination", "unknown.sql")
_AT_ONCE = 500
_UPDATE = text(
    "UPDATE incoming_entity SET properties = :properties WHERE kind = :kind AND perm_id = :perm_id"
)
_COMPLETED = text(
    "INSERT INTO completed (kind, perm_id) VALUES (:kind, :perm_id) ON CONFLICT DO NOTHING"
)


def keep_references(connection: Connection, source: str) -> None:
    """Add these references to the incoming rows. Call it after the plan's deletions and before
    `harvester.openbis.destination.unknown_parts.settle`."""
    _execute(connection, "keep_links", source=source)
    _execute(connection, "keep_containers", source=source)
    _execute(connection, "keep_owners")
    if _execute(connection, "any_hidden_target", source=source).first() is None:
        return
    for page in _pages(connection):
        both = [(row, read_properties(row.stored), read_properties(row.listed)) for row in page]
        lost = {
            value
            for _, stored, listed in both
            for code in stored
            for value in _lost(stored[code], listed.get(code, ()))
        }
        hidden = _hidden(connection, source, lost)
        changes = [
            {
                "kind": row.kind,
                "perm_id": row.perm_id,
                "properties": properties_text(listed | kept),
            }
            for row, stored, listed in both
            if (kept := _kept(stored, listed, hidden))
        ]
        if changes:
            connection.execute(_UPDATE, changes)
            connection.execute(_COMPLETED, changes)


def _pages(connection: Connection) -> Iterator[list[Any]]:
    """Changed entities whose properties differ from the stored ones."""
    last = ("", "")
    while page := list(
        _execute(connection, "other_properties", kind=last[0], perm_id=last[1], most=_AT_ONCE)
    ):
        yield page
        last = (page[-1].kind, page[-1].perm_id)


def _lost(stored: PropertyValue, listed: PropertyValue) -> list[str]:
    """Values that the list does not have. One value instead of another one has replaced it."""
    if isinstance(stored, str) and isinstance(listed, str):
        return []
    return unlisted(listed, stored)


def _kept(
    stored: dict[str, PropertyValue], listed: dict[str, PropertyValue], hidden: set[str]
) -> dict[str, PropertyValue]:
    """The values of the properties to which lost ones that are ``hidden`` come back."""
    return {
        code: with_kept(listed.get(code, ()), value, hidden)
        for code, value in stored.items()
        if not hidden.isdisjoint(_lost(value, listed.get(code, ())))
    }


def _hidden(connection: Connection, source: str, values: set[str]) -> set[str]:
    """Values that are perm ids of samples or materials which stay and are not in the list."""
    found: set[str] = set()
    wanted = sorted(values)
    target = tables.entity.c
    for begin in range(0, len(wanted), _AT_ONCE):
        query = select(target.perm_id).where(
            target.kind.in_((Kind.SAMPLE.value, Kind.MATERIAL.value)),
            target.source == source,
            target.perm_id.in_(wanted[begin : begin + _AT_ONCE]),
            ~exists().where(
                incoming_tables.entities.c.kind == target.kind,
                incoming_tables.entities.c.perm_id == target.perm_id,
            ),
        )
        found.update(connection.execute(query).scalars())
    return found


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)
