"""Reads entities of the database page by page, with a few queries for each page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import Connection, Row

from shared.model.entities import Attachment, ContentCopy, Entity
from shared.model.entities import Connection as Edge
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import FACTS, NOT_FROZEN, DataSetKind, Frozen, Kind
from shared.model.properties import PropertyValue
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis import parts, queries_entities, queries_neighbours
from source_server.catalogues.openbis.files import FileLists
from source_server.catalogues.openbis.listing import Listed
from source_server.catalogues.openbis.parts import moment
from source_server.catalogues.openbis.properties import PropertyReader
from source_server.catalogues.openbis.schema import Dialect
from source_server.catalogues.openbis.scopes import Window, array_of
from source_server.catalogues.openbis.texts import (
    publishable,
    publishable_or_none,
    publishable_values,
)

_CAN_BE_IMMUTABLE = frozenset({Kind.EXPERIMENT, Kind.SAMPLE})
_NO_META_DATA: Mapping[str, str] = MappingProxyType({})

# Entities per page.
PAGE = 1000

# Fewer, since PostgreSQL sorts the files of a page, and one data set may have a million.
PAGE_OF_DATA_SETS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The parts of the entities of a page, by the ids of their rows."""

    properties: Mapping[int, Mapping[str, PropertyValue]] = field(default_factory=dict)
    connections: Mapping[int, tuple[Edge, ...]] = field(default_factory=dict)
    attachments: Mapping[int, tuple[Attachment, ...]] = field(default_factory=dict)
    content_copies: Mapping[int, tuple[ContentCopy, ...]] = field(default_factory=dict)
    unknown: Mapping[int, Sequence[Unknown]] = field(default_factory=dict)


class EntityReader:
    """Reads the entities of one kind."""

    def __init__(
        self, connection: Connection, dialect: Dialect, kind: Kind, file_lists: FileLists
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._kind = kind
        self._file_lists = file_lists
        self._properties = (
            PropertyReader(connection, dialect, kind) if FACTS[kind].has_properties else None
        )

    def read(self, window: Window) -> Generator[Entity]:
        """All entities within the window, by perm id in byte order."""
        return self._read(window, self._pages(window))

    def read_named(self, window: Window, perm_ids: Sequence[PermId]) -> Generator[Entity]:
        """Those with these perm ids, which are in byte order."""
        return self._read(window, self._pages_named(window, perm_ids))

    def _read(self, window: Window, pages: Iterable[list[int]]) -> Generator[Entity]:
        for ids in pages:
            yield from self.page(window, ids)

    def page(self, window: Window, ids: Sequence[int]) -> Iterator[Entity]:
        """The entities with these ids, which are within the window, in this order."""
        page = {**window, "ids": array_of(ids)}
        rows, hanging = self._rows(page, ids), self._parts(page)
        for row, listed in zip(rows, self._files(rows), strict=True):
            yield self._entity(row, hanging, listed)

    def _pages(self, window: Window) -> Iterator[list[int]]:
        """The ids of each page, from a cursor on the server, which sorts them once. Pages by the
        last perm id (``perm_id > ... limit``) would sort all remaining ids again for each page."""
        size = self._page_size
        with self._connection.execute(
            self._dialect(queries_entities.IDS[self._kind]),
            dict(window),
            execution_options={"yield_per": size},
        ) as result:
            for rows in result.partitions(size):
                yield [row.id for row in rows]

    def _pages_named(self, window: Window, perm_ids: Sequence[PermId]) -> Iterator[list[int]]:
        query = self._dialect(queries_neighbours.NAMED_IDS[self._kind])
        for start in range(0, len(perm_ids), self._page_size):
            page = {**window, "perm_ids": list(perm_ids[start : start + self._page_size])}
            if ids := list(self._connection.execute(query, page).scalars()):
                yield ids

    @property
    def _page_size(self) -> int:
        return PAGE_OF_DATA_SETS if self._kind is Kind.DATA_SET else PAGE

    def _rows(self, page: Mapping[str, Any], ids: Sequence[int]) -> Sequence[Row[Any]]:
        query = self._dialect(queries_entities.ROWS[self._kind])
        by_id = {row[0]: row for row in self._connection.execute(query, page).all()}
        # Ids and rows are from one snapshot, so no id lacks its row.
        return [by_id[each] for each in ids]

    def _parts(self, page: Mapping[str, Any]) -> _Parts:
        kind, facts = self._kind, FACTS[self._kind]
        where = (self._connection, self._dialect)
        values, codes = self._properties.of_page(page) if self._properties else ({}, {})
        edges, links = parts.connections(*where, kind, page) if facts.relations else ({}, {})
        held, lost = parts.attachments(*where, kind, page) if facts.has_attachments else ({}, {})
        return _Parts(
            properties=values,
            connections=edges,
            attachments=held,
            content_copies=parts.content_copies(*where, page) if kind is Kind.DATA_SET else {},
            unknown=_unknown(codes, links, lost),
        )

    def _files(self, rows: Sequence[Row[Any]]) -> Iterable[Listed]:
        if self._kind is Kind.DATA_SET:
            return self._file_lists.of_page(rows)
        return repeat(Listed(), len(rows))

    def _entity(self, row: Row[Any], hanging: _Parts, listed: Listed) -> Entity:
        kind, perm_id = self._kind, row.perm_id
        values = sorted(hanging.properties.get(row.id, {}).items())
        return Entity(
            kind=kind,
            perm_id=PermId(perm_id),
            code=Code(row.code),
            registered=moment(row.registered, kind, perm_id),
            modified=moment(row.modified, kind, perm_id),
            registrator=row.registrator,
            modifier=row.modifier,
            type=row.type,
            space=row.space,
            project=row.project,
            experiment=row.experiment and Identifier(row.experiment),
            sample=row.sample and Identifier(row.sample),
            description=publishable_or_none(row.description, kind, perm_id),
            frozen=Frozen(row.flags) if row.flags else NOT_FROZEN,
            properties=publishable_values(dict(values), kind, perm_id),
            connections=hanging.connections.get(row.id, ()),
            attachments=hanging.attachments.get(row.id, ()),
            data_set_kind=DataSetKind(row.data_set_kind) if kind is Kind.DATA_SET else None,
            files=listed.files,
            content_copies=hanging.content_copies.get(row.id, ()),
            unknown=(*listed.unknown, *hanging.unknown.get(row.id, ()), *_hidden_references(row)),
            meta_data=_meta_data(row, kind) if FACTS[kind].has_meta_data else None,
            immutable_since=_immutable_since(row, kind) if kind in _CAN_BE_IMMUTABLE else None,
        )


def _meta_data(row: Row[Any], kind: Kind) -> Mapping[str, str] | None:
    """None if openBIS has none at this schema, or something else in its place."""
    if row.meta_data is None or row.meta_data == "{}":
        return None if row.meta_data is None else _NO_META_DATA
    return {
        publishable(name, kind, row.perm_id): publishable(text, kind, row.perm_id)
        for name, text in orjson.loads(row.meta_data).items()
    }


def _immutable_since(row: Row[Any], kind: Kind) -> datetime | None:
    since = row.immutable_since
    return None if since is None else moment(since, kind, row.perm_id)


def _unknown(
    codes: Mapping[int, Collection[str]],
    links: Mapping[int, int],
    attachments: Mapping[int, Sequence[Unknown]],
) -> Mapping[int, Sequence[Unknown]]:
    """The unknown parts of the entities of a page: values of the properties with these codes,
    numbers of links, and attachments."""
    found: defaultdict[int, list[Unknown]] = defaultdict(list)
    for owner, marks in attachments.items():
        found[owner] += marks
    for owner, hidden in codes.items():
        found[owner].append(_out_of_scope(Part.PROPERTIES, " ".join(sorted(hidden))))
    for owner, count in links.items():
        found[owner].append(_out_of_scope(Part.CONNECTIONS, f"{count} to what is not shown"))
    return found


def _hidden_references(row: Row[Any]) -> Iterator[Unknown]:
    """Hidden references count as hidden links."""
    if row.hides_experiment:
        yield _out_of_scope(Part.CONNECTIONS, "the experiment")
    if row.hides_sample:
        yield _out_of_scope(Part.CONNECTIONS, "the sample")


def _out_of_scope(part: Part, detail: str) -> Unknown:
    return Unknown(part=part, reason=Reason.OUT_OF_SCOPE, detail=detail)
