"""Reads entities back, in batches and in byte order of their perm ids, within a scope.

A batch takes one query for the rows and one for each table that belongs to them, never one per
entity. Nothing here is bound to a thread, and no cursor is open between two batches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from itertools import islice

from sqlalchemy import ColumnElement, Connection, or_, select

from shared.model.entities import Attachment, AttachmentVersion, ContentCopy, Entity, FileNode
from shared.model.entities import Connection as Edge
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import FACTS, Kind
from shared.model.properties import read_properties, texts_among, value_from, values_of
from shared.model.unknown import Part, Reason, Unknown
from shared.store import shown, tables
from shared.store.rows import to_attachment_version, to_connection, to_copy, to_file
from shared.store.scope_queries import Rows, ScopeQueries, within

__all__ = ["Reader", "space_codes", "texts_containing", "within"]

BATCH = 500

# Share of all spaces up to which each space is looked up; above it, reading everything and skipping
# is faster.
_PART_OF_SPACES = 0.5
_MOST_STREAMS = 200
# Perm ids that are looked up at once in each of many spaces.
_FEWEST = 100

# Parts of entities that the scope hides, by perm id.
Hidden = defaultdict[str, list[tuple[Part, str]]]


class Reader:
    """Reads what lies within a scope: these spaces as a whole, and these projects of others."""

    def __init__(
        self,
        connection: Connection,
        spaces: frozenset[Code],
        projects: frozenset[Identifier] = frozenset(),
        sample_properties: frozenset[Code] = frozenset(),
        *,
        by_perm_ids: bool = False,
    ) -> None:
        """``sample_properties`` are the property types whose values are perm ids of samples.
        ``by_perm_ids``: the reader is only asked for `named`."""
        self._sample_properties = sample_properties
        self._homes = spaces | {Code(project.split("/")[1]) for project in projects}
        there = space_codes(connection)
        everything = spaces.issuperset(there)
        most = min(len(there) * _PART_OF_SPACES, _MOST_STREAMS)
        self._sparse = by_perm_ids or (len(self._homes) <= most and not everything)
        self._queries = ScopeQueries(
            connection, spaces, projects, sparse=self._sparse, everything=everything
        )

    def entities(self, kind: Kind) -> Iterator[Entity]:
        """All entities of a kind. Connections, references and values to entities outside the scope
        are left out, and the entity names these parts as hidden."""
        return self._read(
            kind, self._of_few_spaces(kind) if self._sparse else self._of_most_spaces(kind)
        )

    def named(self, kind: Kind, perm_ids: Sequence[str]) -> Iterator[Entity]:
        """The same of those with these perm ids, which are in byte order; the reader must have been
        made for that."""
        starts = range(0, len(perm_ids), BATCH)
        return self._read(
            kind, (self._queries.rows(kind, perm_ids[at : at + BATCH]) for at in starts)
        )

    def _read(self, kind: Kind, batches: Iterable[Rows]) -> Iterator[Entity]:
        for batch in filter(None, batches):
            hidden: Hidden = defaultdict(list)
            entities = self._complete(kind, batch, hidden)
            if self._has_samples(kind):
                entities = self._without_hidden_samples(entities, hidden)
            yield from _marked(entities, hidden) if hidden else entities

    def entity(self, kind: Kind, perm_id: PermId) -> Entity | None:
        """One entity, as in `entities`; None if it does not exist within the scope."""
        batch = self._queries.rows(kind, [perm_id])
        if not batch:
            return None
        hidden: Hidden = defaultdict(list)
        found = list(self._complete(kind, batch, hidden))
        return next(_marked(iter(found), hidden))

    def _has_samples(self, kind: Kind) -> bool:
        return bool(self._sample_properties) and FACTS[kind].has_properties

    def _without_hidden_samples(
        self, entities: Iterator[Entity], hidden: Hidden
    ) -> Iterator[Entity]:
        """Leaves out property values that name a sample outside the scope, one by one."""
        batch = list(entities)
        named = {
            value
            for entity in batch
            for code in self._sample_properties & entity.properties.keys()
            for value in values_of(entity.properties[code])
        }
        found: dict[str, object] = dict(self._queries.samples(sorted(named))) if named else {}
        return iter([self._visible(entity, found, hidden) for entity in batch])

    def _visible(self, entity: Entity, found: Mapping[str, object], hidden: Hidden) -> Entity:
        """``found`` has the samples that exist, and whether they are within the scope."""
        named = {
            code: values_of(entity.properties[code])
            for code in self._sample_properties & entity.properties.keys()
        }
        lost = {code: values for code, values in named.items() if not all(map(found.get, values))}
        outside = {value for values in lost.values() for value in values if not found.get(value, 1)}
        if codes := sorted(code for code, values in lost.items() if outside.intersection(values)):
            hidden[entity.perm_id].append((Part.PROPERTIES, " ".join(codes)))
        if not lost:
            return entity
        properties = dict(entity.properties)
        for code, values in lost.items():
            if shown := [value for value in values if found.get(value)]:
                properties[code] = value_from(shown)
            else:
                del properties[code]
        return replace(entity, properties=properties)

    def _of_most_spaces(self, kind: Kind) -> Iterator[Rows]:
        """Reads the kind batch by batch, skipping what is outside the scope."""
        last = ""
        while batch := self._queries.rows_behind(kind, last, BATCH):
            last = batch[-1][0]
            yield batch

    def _of_few_spaces(self, kind: Kind) -> Iterator[Rows]:
        """The perm ids of each space, merged."""
        perm_ids = merge(*[self._perm_ids(kind, home) for home in (None, *sorted(self._homes))])
        while keys := list(islice(perm_ids, BATCH)):
            if batch := self._queries.rows(kind, keys):
                yield batch

    def _perm_ids(self, kind: Kind, home: Code | None) -> Iterator[str]:
        """Perm ids of one space (None: of shared entities), in byte order."""
        size = max(BATCH // (len(self._homes) + 1), _FEWEST)
        last = ""
        while found := self._queries.perm_ids_in(kind, home, last, size):
            yield from found
            last = found[-1]

    def _complete(self, kind: Kind, batch: Rows, hidden: Hidden) -> Iterator[Entity]:
        facts = FACTS[kind]
        keys = [row[0] for row in batch]
        is_data_set = kind is Kind.DATA_SET
        self._note_references(kind, batch, hidden)
        hanging = shown.Hanging(
            connections=self._edges(kind, keys, hidden) if facts.relations else {},
            attachments=self._attachments(kind, keys) if facts.has_attachments else {},
            files=self._files(keys) if is_data_set else {},
            content_copies=self._copies(keys) if is_data_set else {},
        )
        return shown.entities(kind, batch, hanging)

    def _note_references(self, kind: Kind, batch: Rows, hidden: Hidden) -> None:
        """Notes experiments and samples that exist, but are outside the scope."""
        for referred, place in ((Kind.EXPERIMENT, 17), (Kind.SAMPLE, 18)):
            lost = {row[0]: row[place + 2] for row in batch if row[place + 2] and not row[place]}
            if referred.lower() not in FACTS[kind].attributes or not lost:
                continue
            there = {key for (key,) in self._queries.identifiers(referred, sorted(lost.values()))}
            for key, identifier in lost.items():
                if identifier in there:
                    hidden[key].append((Part.CONNECTIONS, f"the {referred.lower()}"))

    def _edges(
        self, kind: Kind, keys: Sequence[str], hidden: Hidden
    ) -> Mapping[str, Sequence[Edge]]:
        found: defaultdict[str, list[Edge]] = defaultdict(list)
        others: Counter[str] = Counter()
        for key, relation, to, is_within in self._queries.edges(kind, keys):
            if is_within:
                found[key].append(to_connection(relation, to))
            else:
                others[key] += 1
        for key, count in others.items():
            hidden[key].append((Part.CONNECTIONS, f"{count} to what is not shown"))
        return found

    def _attachments(self, kind: Kind, keys: Sequence[str]) -> dict[str, tuple[Attachment, ...]]:
        found: dict[str, dict[str, list[AttachmentVersion]]] = {}
        for row in self._queries.attachments(kind, keys):
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
        found: defaultdict[str, list[FileNode]] = defaultdict(list)
        for row in self._queries.files(keys):
            found[row[0]].append(to_file(row[1:]))
        return found

    def _copies(self, keys: Sequence[str]) -> dict[str, list[ContentCopy]]:
        found: defaultdict[str, list[ContentCopy]] = defaultdict(list)
        for row in self._queries.content_copies(keys):
            found[row[0]].append(to_copy(row[2:]))
        return found

    def data_sets_of(self, samples: Sequence[PermId]) -> dict[PermId, list[Code]]:
        """Codes of the data sets of these samples, which are in byte order."""
        found: dict[PermId, list[Code]] = {}
        for sample_id, code in self._queries.data_sets(samples) if samples else ():
            found.setdefault(sample_id, []).append(code)
        return {sample_id: found[sample_id] for sample_id in samples if sample_id in found}


def _marked(entities: Iterator[Entity], hidden: Hidden) -> Iterator[Entity]:
    for entity in entities:
        marks = [
            Unknown(part=part, reason=Reason.OUT_OF_SCOPE, detail=detail)
            for part, detail in hidden.get(entity.perm_id, ())
        ]
        yield replace(entity, unknown=(*entity.unknown, *marks)) if marks else entity


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
    """Property values and descriptions within the scope that contain a text which JSON writes
    unescaped."""
    entity = tables.entity
    found = or_(
        entity.c.properties.contains(needle, autoescape=True),
        entity.c.description.contains(needle, autoescape=True),
    )
    query = select(entity.c.properties, entity.c.description).where(found, scope)
    for properties, description in connection.execute(query):
        texts = [*texts_among(read_properties(properties).values()), description or ""]
        yield from (text for text in texts if needle in text)
