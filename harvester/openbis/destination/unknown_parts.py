"""Unknown is not none: keeps parts of entities that a list does not show and that are not gone.

A source marks the parts that it cannot show now (`shared.model.unknown`). The stored rows of such a
part are added to the incoming rows before the comparison. So an entity that does not differ
otherwise is equal, and one that does is updated and keeps the part. The incoming row loses the mark
if the part is completely here: it is known to those who harvest this instance.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Table, func, select, text

from harvester.openbis.destination.clashes import without_clashes
from harvester.openbis.destination.empty_folders import without_filled
from harvester.openbis.destination.kept_values import kept_under, samples_of_list
from shared.model.entities import Entity
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import DataSetKind, Kind
from shared.model.properties import PropertyValue, read_properties, values_of
from shared.model.unknown import Part, Reason, Unknown
from shared.store import incoming_tables, tables
from shared.store.rows import (
    afs_text,
    content_hash,
    properties_text,
    to_connection,
    to_copy,
    to_file,
    to_unknown,
    unknown_text,
)
from shared.store.statements import Rows, SqlFile, execute_from

_FILE = SqlFile("harvester.openbis.destination", "unknown.sql")
_AT_ONCE = 200
# The hash of an entity does not cover its times, so that any time will do.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_UPDATE = text(
    "UPDATE incoming_entity SET properties = :properties, unknown = :unknown, afs = :afs,"
    " content_hash = :content_hash WHERE kind = :kind AND perm_id = :perm_id"
)

Counts = Counter[tuple[Part, Reason]]


def complete_unknown(connection: Connection, source: str) -> None:
    """Adds to the incoming rows what the list does not show. Call it between making and using the
    plan, and then `settle`."""
    _execute(connection, "new_completion")
    _execute(connection, "note_marks", source=source)
    _execute(connection, "keep_afs", source=source)
    for section in ("files", "attachments", "links", "copies"):
        _execute(connection, f"complete_{section}")
    _execute(connection, "complete_service_files", source=source)
    _execute(connection, "carry_over", source=source)


def settle(connection: Connection) -> None:
    """Computes the hashes of completed entities, and removes from the plan those that do not
    differ."""
    _execute(connection, "order_links")
    last = ("", "")
    while keys := [(str(k), str(p)) for k, p in _to_be_hashed(connection, last)]:
        by_kind: dict[str, list[str]] = defaultdict(list)
        for kind, perm_id in keys:
            by_kind[kind].append(perm_id)
        for kind, perm_ids in by_kind.items():
            _complete(connection, Kind(kind), perm_ids)
        last = keys[-1]
    _execute(connection, "settle_completed")


def shown_unknown(connection: Connection, source: str) -> Counts:
    """Parts that the list does not show, whether they are here or not."""
    rows = _execute(connection, "shown_unknown", source=source)
    return Counter({(Part(part), Reason(reason)): int(n) for part, reason, n in rows})


def never_came(connection: Connection, source: str) -> Counts:
    """Parts that the list does not show and that are not completely here, after a pass."""
    rows = _execute(connection, "never_came", source=source)
    return Counter({(Part(part), Reason(reason)): int(n) for part, reason, n in rows})


def waits_for_files(connection: Connection) -> frozenset[str]:
    """Codes of the data sets whose files the source cannot deliver now."""
    return frozenset(_execute(connection, "waits_for_files").scalars())


def _to_be_hashed(connection: Connection, last: tuple[str, str]) -> Sequence[Any]:
    kind, perm_id = last
    values = {"kind": kind, "perm_id": perm_id, "most": _AT_ONCE}
    return _execute(connection, "to_be_hashed", **values).all()


@dataclass(frozen=True, slots=True)
class _Here:
    """The stored parts of an entity."""

    properties: dict[str, PropertyValue]
    # Parts of which something is here.
    parts: frozenset[Part]
    # Parts that never came, or not completely.
    unknown: frozenset[Part]
    # Of AFS data, the empty folders.
    folders: tuple[str, ...]


def _complete(connection: Connection, kind: Kind, perm_ids: list[str]) -> None:
    here = _here(connection, kind, perm_ids)
    entities = list(_incoming_entities(connection, kind, perm_ids))
    listed = _listed_samples(connection, entities, here)
    changes = []
    for entity in entities:
        known = here.get(entity.perm_id)
        completed = _completed(entity, known, listed) if known else entity
        completed = without_filled(without_clashes(connection, completed))
        properties = properties_text(completed.properties)
        changes.append(
            {
                "kind": kind.value,
                "perm_id": entity.perm_id,
                "properties": properties,
                "unknown": unknown_text(completed.unknown),
                "afs": afs_text(completed),
                "content_hash": content_hash(completed, properties),
            }
        )
    if changes:
        connection.execute(_UPDATE, changes)


def _completed(entity: Entity, here: _Here, listed: frozenset[str]) -> Entity:
    """``listed``: perm ids of samples that the list has, as far as values may name them."""
    properties = dict(entity.properties)
    marks: list[Unknown] = []
    folders = entity.empty_folders
    for mark in entity.unknown:
        if mark.part is not Part.PROPERTIES:
            if mark.part is Part.FILES and entity.is_afs:
                folders = (*folders, *here.folders)
            if mark.part in here.unknown or mark.part not in here.parts:
                marks.append(mark)
            continue
        # The user may see a sample that is listed, and the values that name it are listed, too.
        seen = listed if mark.reason is Reason.OUT_OF_SCOPE else frozenset()
        kept = kept_under(mark, entity.properties, here.properties, seen)
        properties |= kept
        marks += _left(mark, kept | _with_others(entity.properties, seen), here)
    return replace(entity, properties=properties, unknown=tuple(marks), empty_folders=folders)


def _with_others(
    properties: Mapping[str, PropertyValue], seen: frozenset[str]
) -> dict[str, PropertyValue]:
    """The properties that have a value besides those that are ``seen``."""
    return {
        code: value for code, value in properties.items() if not seen.issuperset(values_of(value))
    }


def _left(mark: Unknown, properties: Mapping[str, PropertyValue], here: _Here) -> Iterator[Unknown]:
    """What stays of a mark. ``properties`` are those of which a hidden value is here."""
    if mark.reason is Reason.SEVERAL_VALUES:  # what is here of it is one of them, or was
        yield mark
    elif mark.detail:
        if left := [code for code in mark.detail.split() if code not in properties]:
            yield replace(mark, detail=" ".join(left))
    elif Part.PROPERTIES in here.unknown:
        yield mark


def _listed_samples(
    connection: Connection, entities: list[Entity], here: dict[str, _Here]
) -> frozenset[str]:
    """Those values of properties with marks that name samples of the list."""
    codes = {
        (entity.perm_id, code)
        for entity in entities
        for mark in entity.unknown
        if mark.part is Part.PROPERTIES and mark.detail
        for code in mark.detail.split()
    }
    shown = {entity.perm_id: entity.properties for entity in entities}
    wanted: set[str] = set()
    for perm_id, code in codes:
        wanted.update(values_of(shown[perm_id].get(code, ())))
        if perm_id in here:
            wanted.update(values_of(here[perm_id].properties.get(code, ())))
    return samples_of_list(connection, sorted(wanted))


def _here(connection: Connection, kind: Kind, perm_ids: list[str]) -> dict[str, _Here]:
    """Stored entities by perm id."""
    parts: dict[str, set[Part]] = defaultdict(set)
    for part, table, key in (
        (Part.FILES, tables.data_set_file, "code"),
        (Part.CONTENT_COPIES, tables.content_copy, "code"),
        (Part.ATTACHMENTS, tables.attachment, "perm_id"),
        (Part.CONNECTIONS, tables.link, "from_perm_id"),
    ):
        query = select(table.c[key]).where(table.c[key].in_(perm_ids)).distinct()
        if "kind" in table.c:
            query = query.where(table.c.kind == kind.value)
        elif kind is not Kind.DATA_SET:
            continue
        for perm_id in connection.execute(query).scalars():
            parts[perm_id].add(part)
    entity = tables.entity.c
    owner = func.coalesce(entity.experiment, entity.sample)
    rows = select(entity.perm_id, entity.properties, entity.unknown, entity.afs, owner).where(
        entity.kind == kind.value, entity.perm_id.in_(perm_ids)
    )
    return {
        perm_id: _Here(
            properties=read_properties(properties),
            parts=frozenset(parts[perm_id] | ({Part.CONNECTIONS} if place else set())),
            unknown=frozenset(mark.part for mark in to_unknown(unknown)),
            folders=tuple(orjson.loads(afs)) if afs else (),
        )
        for perm_id, properties, unknown, afs, place in connection.execute(rows)
    }


def _incoming_entities(connection: Connection, kind: Kind, perm_ids: list[str]) -> Iterator[Entity]:
    """The incoming entities after completion, with everything that the hash covers."""
    links, files, copies = (
        _by_owner(connection, table, key, kind, perm_ids)
        for table, key in (
            (incoming_tables.links, "from_perm_id"),
            (incoming_tables.files, "code"),
            (incoming_tables.copies, "code"),
        )
    )
    column = incoming_tables.entities.c
    query = select(incoming_tables.entities).where(
        column.kind == kind.value, column.perm_id.in_(perm_ids)
    )
    for row in connection.execute(query).all():
        key = row.perm_id
        # The hash covers the order of components, and a query promises no order by itself.
        edges = sorted(links[key], key=lambda link: (link.ordinal, link.to_perm_id))
        yield Entity(
            kind=kind,
            perm_id=PermId(key),
            code=Code(row.code),
            registered=_ANY_TIME,
            modified=_ANY_TIME,
            type=row.type,
            space=row.space,
            project=row.project,
            experiment=Identifier(row.experiment) if row.experiment else None,
            sample=Identifier(row.sample) if row.sample else None,
            description=row.description,
            properties=read_properties(row.properties),
            data_set_kind=DataSetKind(row.data_set_kind) if row.data_set_kind else None,
            connections=tuple(to_connection(e.relation, e.to_perm_id) for e in edges),
            files=tuple(to_file(each[1:]) for each in files[key]),
            content_copies=tuple(to_copy(each[2:]) for each in copies[key]),
            unknown=to_unknown(row.unknown),
            is_afs=row.afs is not None,
            empty_folders=tuple(orjson.loads(row.afs)) if row.afs else (),
        )


def _by_owner(
    connection: Connection, table: Table, key: str, kind: Kind, perm_ids: list[str]
) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    query = select(table).where(table.c[key].in_(perm_ids))
    if "kind" in table.c:
        query = query.where(table.c.kind == kind.value)
    elif kind is not Kind.DATA_SET:
        return found
    for row in connection.execute(query):
        found[getattr(row, key)].append(row)
    return found


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)
