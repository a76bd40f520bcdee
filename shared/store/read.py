"""Reads entities back, in batches and in byte order of their perm ids, within a scope.

A batch is one query for the rows and one for each thing that hangs on them; never one per entity.
Nothing here is bound to a thread, and between two batches no cursor is open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    any_,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import FromClause

from shared.model.entities import Attachment, AttachmentVersion, ContentCopy, Entity, FileNode
from shared.model.entities import Connection as Edge
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import FACTS, Kind
from shared.store import shown, tables
from shared.store.rows import (
    to_attachment_version,
    to_connection,
    to_copy,
    to_file,
)

BATCH = 1_000

_PART_OF_SPACES = 0.5
"""Up to this part of all spaces, what lies in each of them is looked up; beyond, it is quicker to
pass over what does not."""
_MOST_STREAMS = 200
_FEWEST = 100
"""Perm ids that are looked up at once in each of many spaces."""


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
        self._homes = spaces | {Code(project.split("/")[1]) for project in projects}
        known = len(space_codes(connection))
        self._narrow = len(self._homes) <= min(known * _PART_OF_SPACES, _MOST_STREAMS)

    def entities(self, kind: Kind) -> Iterator[Entity]:
        """All entities of a kind. Connections and references lead only to what is within."""
        for batch in self._of_few_spaces(kind) if self._narrow else self._of_most_spaces(kind):
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

    def _of_most_spaces(self, kind: Kind) -> Iterator[Sequence[Any]]:
        """Rows in batches: all of the kind, from perm id to perm id, and what is not within is
        passed over."""
        last = ""
        key = tables.entity.c.perm_id
        while batch := self._rows(kind, key > last, BATCH):
            last = batch[-1][0]
            yield batch

    def _of_few_spaces(self, kind: Kind) -> Iterator[Sequence[Any]]:
        """Rows in batches: an index gives the perm ids of each space; nothing else is looked at."""
        streams = [self._perm_ids(kind, home) for home in (None, *sorted(self._homes))]
        perm_ids = merge(*streams)
        while keys := list(islice(perm_ids, BATCH)):
            if batch := self._rows(kind, self._these(tables.entity.c.perm_id, keys)):
                yield batch

    def _perm_ids(self, kind: Kind, home: Code | None) -> Iterator[str]:
        """Those of one space (None: of none), in byte order."""
        entity, last = tables.entity, ""
        lies_there = entity.c.home_space.is_(None) if home is None else entity.c.home_space == home
        size = max(BATCH // len(self._homes), _FEWEST) if self._homes else BATCH
        while True:
            query = (
                select(entity.c.perm_id)
                .where(entity.c.kind == kind.value, lies_there)
                .where(entity.c.perm_id > last)
                .order_by(entity.c.perm_id)
                .limit(size)
            )
            found = self._connection.execute(query).scalars().all()
            yield from found
            if len(found) < size:
                return
            last = found[-1]

    def _rows(
        self, kind: Kind, condition: ColumnElement[bool], most: int | None = None
    ) -> Sequence[Any]:
        entity = tables.entity
        query = (
            select(*shown.COLUMNS, self._refers(kind, "experiment"), self._refers(kind, "sample"))
            .where(entity.c.kind == kind.value, condition, self._within(entity))
            .order_by(entity.c.perm_id)
            .limit(most)
        )
        return self._connection.execute(query).all()

    def _these(self, column: ColumnElement[Any], keys: Sequence[str]) -> ColumnElement[bool]:
        """That a row belongs to this batch of perm ids, which are in byte order; it may be one
        between them, too, if most spaces are wanted."""
        if self._narrow:
            return among(self._connection, column, keys)
        return (column >= keys[0]) & (column <= keys[-1])

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
        keys = [row[0] for row in batch]
        is_data_set = kind is Kind.DATA_SET
        hanging = shown.Hanging(
            connections=self._edges(kind, keys) if facts.relations else {},
            attachments=self._attachments(kind, keys) if facts.has_attachments else {},
            files=self._files(keys) if is_data_set else {},
            content_copies=self._copies(keys) if is_data_set else {},
        )
        return shown.entities(kind, batch, hanging)

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
            .where(link.c.kind == kind.value, self._these(link.c.from_perm_id, keys))
            .order_by(link.c.from_perm_id, link.c.ordinal)
        )
        found: defaultdict[str, list[Edge]] = defaultdict(list)
        for key, relation, to in self._connection.execute(query).all():
            found[key].append(to_connection(relation, to))
        return found

    def _attachments(self, kind: Kind, keys: Sequence[str]) -> dict[str, tuple[Attachment, ...]]:
        table = tables.attachment
        query = (
            select(table)
            .where(table.c.kind == kind.value, self._these(table.c.perm_id, keys))
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
        query = select(table).where(self._these(table.c.code, keys)).order_by(*table.primary_key)
        found: defaultdict[str, list[FileNode]] = defaultdict(list)
        for row in self._connection.execute(query):
            found[row[0]].append(to_file(row[1:]))
        return found

    def _copies(self, keys: Sequence[str]) -> dict[str, list[ContentCopy]]:
        table = tables.content_copy
        query = select(table).where(self._these(table.c.code, keys)).order_by(*table.primary_key)
        found: defaultdict[str, list[ContentCopy]] = defaultdict(list)
        for row in self._connection.execute(query):
            found[row[0]].append(to_copy(row[2:]))
        return found

    def data_sets_of(self, samples: Sequence[PermId]) -> dict[PermId, list[Code]]:
        """Codes of the data sets that hang on these samples, which are in byte order."""
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
            .where(sample.c.kind == Kind.SAMPLE.value, self._these(sample.c.perm_id, samples))
            .order_by(sample.c.perm_id, data_set.c.perm_id)
        )
        found: dict[PermId, list[Code]] = {}
        for sample_id, code in self._connection.execute(query).all():
            found.setdefault(sample_id, []).append(code)
        return {sample_id: found[sample_id] for sample_id in samples if sample_id in found}

    def _visible_samples(self, perm_ids: Sequence[str]) -> set[str]:
        """Which of these are samples within the scope; for property values of type SAMPLE."""
        entity = tables.entity
        query = select(entity.c.perm_id).where(
            entity.c.kind == Kind.SAMPLE.value,
            among(self._connection, entity.c.perm_id, perm_ids),
            self._within(entity),
        )
        return set(self._connection.execute(query).scalars())


def among(
    connection: Connection, column: ColumnElement[Any], keys: Sequence[str]
) -> ColumnElement[bool]:
    """That a column has one of these texts. They travel as one value: a statement with a thousand
    parameters is prepared anew each time, which takes longer than to answer it."""
    if connection.dialect.name == "sqlite":
        texts = func.json_each(orjson.dumps(keys).decode()).table_valued("value")
        return column.in_(select(texts.c.value))
    return column == any_(cast(keys, ARRAY(Text)))


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
        texts = [*orjson.loads(properties).values(), description or ""]
        yield from (text for text in texts if needle in text)
