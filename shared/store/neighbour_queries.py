"""Finds the entities that are related to those of a batch, within a scope, by set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, Connection, Select, bindparam, select

from shared.model.ids import Code, Identifier
from shared.model.kinds import FACTS, Kind, Relation
from shared.store import tables
from shared.store.prepared import Prepared, among, together
from shared.store.scope_queries import Rows, within

# The columns by which an entity refers to a place, and the kinds of these places.
_PLACES: Mapping[str, Kind] = MappingProxyType(
    {
        "home_space": Kind.SPACE,
        "project_perm_id": Kind.PROJECT,
        "experiment_perm_id": Kind.EXPERIMENT,
        "sample_perm_id": Kind.SAMPLE,
    }
)
_COLUMNS = MappingProxyType({place: column for column, place in _PLACES.items()})
_BELOW: Mapping[Kind, tuple[Kind, ...]] = MappingProxyType(
    {
        Kind.SPACE: (Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET),
        Kind.PROJECT: (Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET),
        Kind.EXPERIMENT: (Kind.SAMPLE, Kind.DATA_SET),
        Kind.SAMPLE: (Kind.DATA_SET,),
    }
)
_KEYS: BindParameter[Any] = bindparam("keys", None)


class NeighbourQueries:
    """Each method returns kind, perm id, home space and type of entities, some perhaps several
    times; the given perm ids are of one kind. AFS data are left out."""

    def __init__(
        self,
        connection: Connection,
        spaces: frozenset[Code],
        projects: frozenset[Identifier],
        sample_properties: frozenset[Code],
    ) -> None:
        """``sample_properties`` are the property types whose values are perm ids of samples."""
        self._connection = connection
        self._spaces = spaces
        self._projects = projects
        self._sample_properties = sample_properties
        self._prepared: dict[object, list[Prepared]] = {}

    def themselves(self, kind: Kind, perm_ids: Sequence[str]) -> Rows:
        def queries() -> Iterator[Select[Any]]:
            yield self._entities(kind, self._among(tables.entity.c.perm_id))

        return self._rows(("themselves", kind), queries, perm_ids)

    def above(self, kind: Kind, perm_ids: Sequence[str]) -> Rows:
        """The places that the entities lie in."""

        def queries() -> Iterator[Select[Any]]:
            start = tables.entity.alias("start")
            for column, place in _PLACES.items():
                if place is not kind:
                    named = select(start.c[column]).where(
                        start.c.kind == kind.value, self._among(start.c.perm_id)
                    )
                    yield self._entities(place, tables.entity.c.perm_id.in_(named))

        return self._rows(("above", kind), queries, perm_ids)

    def below(self, kind: Kind, perm_ids: Sequence[str]) -> Rows:
        """All that lies in these places at any depth; of samples, their data sets."""

        def queries() -> Iterator[Select[Any]]:
            lies_there = self._among(tables.entity.c[_COLUMNS[kind]])
            for below in _BELOW[kind]:
                yield self._entities(below, lies_there)

        return self._rows(("below", kind), queries, perm_ids)

    def named(self, kind: Kind, perm_ids: Sequence[str]) -> Rows:
        """The samples that are values of properties."""
        if not self._sample_properties or not FACTS[kind].has_properties:
            return ()

        def queries() -> Iterator[Select[Any]]:
            entity = tables.entity
            yield select(entity.c.properties).where(
                entity.c.kind == kind.value, self._among(entity.c.perm_id)
            )

        rows = self._rows(("properties", kind), queries, perm_ids)
        values = {value for (text,) in rows for value in self._samples_in(text)}
        return self.themselves(Kind.SAMPLE, sorted(values)) if values else ()

    def _samples_in(self, text: str) -> Iterator[str]:
        """``text``: the properties as they are stored."""
        properties = orjson.loads(text) if text != "{}" else {}
        for code in self._sample_properties & properties.keys():
            value = properties[code]
            yield from (value,) if isinstance(value, str) else value

    def related(
        self, kind: Kind, perm_ids: Sequence[str], relation: Relation, *, upwards: bool
    ) -> Rows:
        """Children or components; ``upwards``: parents or containers."""
        link = tables.link
        ends = link.c.to_perm_id, link.c.from_perm_id
        here, there = ends if upwards else reversed(ends)

        def queries() -> Iterator[Select[Any]]:
            others = select(there).where(
                link.c.kind == kind.value, link.c.relation == relation.value, self._among(here)
            )
            yield self._entities(kind, tables.entity.c.perm_id.in_(others))

        return self._rows(("related", kind, relation, upwards), queries, perm_ids)

    def external_systems(self, data_sets: Sequence[str]) -> Collection[Code]:
        """Codes of the systems that have copies of these data sets."""
        copy = tables.content_copy

        def queries() -> Iterator[Select[Any]]:
            yield select(copy.c.external_dms).where(self._among(copy.c.code)).distinct()

        return {Code(code) for (code,) in self._rows("systems", queries, data_sets)}

    def _rows(
        self, key: object, queries: Callable[[], Iterator[Select[Any]]], perm_ids: Sequence[str]
    ) -> Rows:
        if key not in self._prepared:
            self._prepared[key] = [Prepared(self._connection, query) for query in queries()]
        keys = together(self._connection, perm_ids)
        return [row for query in self._prepared[key] for row in query.rows(keys=keys)]

    def _entities(self, kind: Kind, condition: ColumnElement[bool]) -> Select[Any]:
        entity = tables.entity
        return select(entity.c.kind, entity.c.perm_id, entity.c.home_space, entity.c.type).where(
            entity.c.kind == kind.value,
            condition,
            entity.c.afs.is_(None),
            within(entity, self._spaces, self._projects),
        )

    def _among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        return among(self._connection, column, _KEYS)
