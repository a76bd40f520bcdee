"""Reads entities back, in batches and in byte order of their perm ids, within a scope.

A batch is one query for the rows and one for each thing that hangs on them; never one per entity.
Nothing here is bound to a thread, and between two batches no cursor is open.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select
from sqlalchemy.sql.selectable import FromClause

from shared.model.entities import Attachment, AttachmentVersion, ContentCopy, Entity, FileNode
from shared.model.entities import Connection as Edge
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import FACTS, Kind
from shared.store import tables
from shared.store.rows import (
    to_attachment_version,
    to_connection,
    to_copy,
    to_entity,
    to_file,
)

BATCH = 1_000
_ROW = tables.ENTITY_COLUMNS
_EXPERIMENT, _SAMPLE = 7, 8


def within(
    entity: FromClause, spaces: frozenset[Code], projects: frozenset[Identifier]
) -> ColumnElement[bool]:
    """That a row lies in one of these spaces or projects, or in none at all (shared)."""
    home = entity.c.home_space
    places: list[ColumnElement[bool]] = [home.is_(None), home.in_(sorted(spaces))]
    if projects:
        bare = sorted({project.split("/")[1] for project in projects})
        places.append(entity.c.home_project.in_(sorted(projects)))
        places.append((entity.c.kind == Kind.SPACE.value) & home.in_(bare))
    return or_(*places)


class Reader:
    """Reads what lies within a scope: these spaces as a whole, and these projects of others."""

    def __init__(
        self,
        connection: Connection,
        spaces: frozenset[Code],
        projects: frozenset[Identifier] = frozenset(),
        sample_properties: frozenset[Code] = frozenset(),
    ) -> None:
        """``sample_properties``: the property types whose values are perm ids of samples."""
        self._connection = connection
        self._spaces = spaces
        self._projects = projects
        self._sample_properties = sample_properties

    def entities(self, kind: Kind) -> Iterator[Entity]:
        """All entities of a kind. Connections and references lead only to what is within."""
        last = ""
        while batch := self._batch(kind, last):
            last = batch[-1][1]
            entities = self._complete(kind, batch)
            yield from (
                self._without_hidden_samples(entities) if self._has_samples(kind) else entities
            )

    def _has_samples(self, kind: Kind) -> bool:
        return bool(self._sample_properties) and FACTS[kind].has_properties

    def _without_hidden_samples(self, entities: Iterator[Entity]) -> Iterator[Entity]:
        """Leave out the property values that name a sample which is not within the scope."""
        batch = list(entities)
        named = {
            value
            for entity in batch
            for code, value in entity.properties.items()
            if code in self._sample_properties
        }
        visible = self._visible_samples(sorted(named)) if named else set()
        for entity in batch:
            hidden = {
                code
                for code in self._sample_properties & entity.properties.keys()
                if entity.properties[code] not in visible
            }
            kept = {c: v for c, v in entity.properties.items() if c not in hidden}
            yield replace(entity, properties=kept) if hidden else entity

    def _batch(self, kind: Kind, last: str) -> list[Any]:
        entity = tables.entity
        query = (
            select(*_ROW, self._refers(kind, "experiment"), self._refers(kind, "sample"))
            .where(entity.c.kind == kind.value, entity.c.perm_id > last, self._within(entity))
            .order_by(entity.c.perm_id)
            .limit(BATCH)
        )
        return list(self._connection.execute(query))

    def _within(self, entity: FromClause) -> ColumnElement[bool]:
        return within(entity, self._spaces, self._projects)

    def _refers(self, kind: Kind, reference: str) -> ColumnElement[Any]:
        """The experiment or sample of a row, or null if it is not within the scope."""
        if reference not in FACTS[kind].attributes:
            return tables.entity.c[reference]
        target = tables.entity.alias(f"the_{reference}")
        there = (
            select(target.c.identifier)
            .where(
                target.c.kind == reference.upper(),
                target.c.identifier == tables.entity.c[reference],
                self._within(target),
            )
            .limit(1)
        )
        return there.scalar_subquery()

    def _complete(self, kind: Kind, batch: Sequence[Any]) -> Iterator[Entity]:
        facts = FACTS[kind]
        keys = [row[1] for row in batch]
        edges = self._edges(kind, keys) if facts.relations else {}
        attachments = self._attachments(kind, keys) if facts.has_attachments else {}
        is_data_set = kind is Kind.DATA_SET
        files = self._files(keys) if is_data_set else {}
        copies = self._copies(keys) if is_data_set else {}
        for row in batch:
            key = row[1]
            yield to_entity(
                (*row[:_EXPERIMENT], row[-2], row[-1], *row[_SAMPLE + 1 :]),
                connections=tuple(edges.get(key, ())),
                attachments=attachments.get(key, ()),
                files=tuple(files.get(key, ())),
                content_copies=tuple(copies.get(key, ())),
            )

    def _edges(self, kind: Kind, keys: Sequence[str]) -> dict[str, list[Edge]]:
        link = tables.link
        target = tables.entity
        query = (
            select(link.c.from_perm_id, link.c.relation, link.c.to_perm_id)
            .join(
                target,
                (target.c.kind == link.c.kind)
                & (target.c.perm_id == link.c.to_perm_id)
                & self._within(target),
            )
            .where(link.c.kind == kind.value, link.c.from_perm_id.in_(keys))
            .order_by(link.c.from_perm_id, link.c.ordinal)
        )
        found: defaultdict[str, list[Edge]] = defaultdict(list)
        for key, relation, to in self._connection.execute(query):
            found[key].append(to_connection(relation, to))
        return found

    def _attachments(self, kind: Kind, keys: Sequence[str]) -> dict[str, tuple[Attachment, ...]]:
        table = tables.attachment
        query = (
            select(table)
            .where(table.c.kind == kind.value, table.c.perm_id.in_(keys))
            .order_by(table.c.perm_id, table.c.file_name, table.c.version)
        )
        found: dict[str, dict[str, list[AttachmentVersion]]] = {}
        for row in self._connection.execute(query):
            versions = found.setdefault(row[1], {}).setdefault(row[2], [])
            versions.append(to_attachment_version(row[3:]))
        return {
            key: tuple(
                Attachment(file_name=name, versions=tuple(versions))
                for name, versions in by_name.items()
            )
            for key, by_name in found.items()
        }

    def _files(self, keys: Sequence[str]) -> dict[str, list[FileNode]]:
        table = tables.data_set_file
        query = select(table).where(table.c.code.in_(keys)).order_by(*table.primary_key)
        found: defaultdict[str, list[FileNode]] = defaultdict(list)
        for row in self._connection.execute(query):
            found[row[0]].append(to_file(row[1:]))
        return found

    def _copies(self, keys: Sequence[str]) -> dict[str, list[ContentCopy]]:
        table = tables.content_copy
        query = select(table).where(table.c.code.in_(keys)).order_by(*table.primary_key)
        found: defaultdict[str, list[ContentCopy]] = defaultdict(list)
        for row in self._connection.execute(query):
            found[row[0]].append(to_copy(row[2:]))
        return found

    def data_sets_of(self, samples: Sequence[PermId]) -> dict[PermId, list[Code]]:
        """Codes of the data sets that hang on these samples."""
        sample = tables.entity.alias("owner")
        data_set = tables.entity
        query = (
            select(sample.c.perm_id, data_set.c.perm_id)
            .join(
                data_set,
                (data_set.c.kind == Kind.DATA_SET.value)
                & (data_set.c.sample == sample.c.identifier)
                & self._within(data_set),
            )
            .where(sample.c.kind == Kind.SAMPLE.value, sample.c.perm_id.in_(samples))
            .order_by(sample.c.perm_id, data_set.c.perm_id)
        )
        found: dict[PermId, list[Code]] = {}
        for sample_id, code in self._connection.execute(query):
            found.setdefault(sample_id, []).append(code)
        return found

    def _visible_samples(self, perm_ids: Sequence[str]) -> set[str]:
        """Which of these are samples within the scope; for property values of type SAMPLE."""
        entity = tables.entity
        query = select(entity.c.perm_id).where(
            entity.c.kind == Kind.SAMPLE.value,
            entity.c.perm_id.in_(perm_ids),
            self._within(entity),
        )
        return set(self._connection.execute(query).scalars())


def space_codes(connection: Connection) -> list[Code]:
    """Codes of all spaces, in byte order."""
    entity = tables.entity
    query = (
        select(entity.c.code).where(entity.c.kind == Kind.SPACE.value).order_by(entity.c.perm_id)
    )
    return [Code(code) for code in connection.execute(query).scalars()]


def texts_containing(
    connection: Connection, scope: ColumnElement[bool], needle: str
) -> Iterator[str]:
    """Property values and descriptions of entities within the scope, if they contain a text that
    JSON writes as it is."""
    entity = tables.entity
    found = or_(
        entity.c.properties.contains(needle, autoescape=True),
        entity.c.description.contains(needle, autoescape=True),
    )
    query = select(entity.c.properties, entity.c.description).where(found, scope)
    for properties, description in connection.execute(query):
        texts = [*json.loads(properties).values(), description or ""]
        yield from (text for text in texts if needle in text)
