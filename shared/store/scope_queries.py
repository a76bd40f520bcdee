"""The queries of `shared.store.read`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, or_, select, true
from sqlalchemy.sql.selectable import FromClause

from shared.model.ids import Code, Identifier
from shared.model.kinds import FACTS, Kind
from shared.store import shown, tables
from shared.store.prepared import Prepared, among, together

Rows = Sequence[tuple[Any, ...]]


def within(
    entity: FromClause, spaces: frozenset[Code], projects: frozenset[Identifier]
) -> ColumnElement[bool]:
    """Condition: the row lies in one of these spaces or projects, or is shared."""
    home = entity.c.home_space
    places: list[ColumnElement[bool]] = [home.is_(None), home.in_(sorted(spaces))]
    if projects:
        bare = sorted({project.split("/")[1] for project in projects})
        places.append(entity.c.home_project.in_(sorted(projects)))
        places.append((entity.c.kind == Kind.SPACE.value) & home.in_(bare))
    return or_(*places)


class ScopeQueries:
    """Queries for what lies within these spaces and projects. A batch is given by its perm ids, in
    byte order.

    ``sparse``: most stored rows are outside the scope. Then only the perm ids of a batch are looked
    up; otherwise all rows from the first to the last are read, which is faster, but includes rows
    outside the scope.
    """

    def __init__(
        self,
        connection: Connection,
        spaces: frozenset[Code],
        projects: frozenset[Identifier],
        *,
        sparse: bool,
        everything: bool = False,
    ) -> None:
        """``everything``: these are all spaces, so no row needs a check."""
        self._connection = connection
        self._spaces = spaces
        self._projects = projects
        self._sparse = sparse
        self._everything = everything
        self._prepared: dict[tuple[Callable[..., Select[Any]], Kind], Prepared] = {}

    def rows_behind(self, kind: Kind, perm_id: str, most: int) -> Rows:
        """`shown.COLUMNS`, experiment and sample if they may be shown, and both as stored, of the
        first ``most`` rows after a perm id."""
        return self._ask(self._rows_behind, kind, last=perm_id, most=most)

    def rows(self, kind: Kind, batch: Sequence[str]) -> Rows:
        """The same for a batch."""
        return self._of(self._rows, kind, batch)

    def perm_ids_in(self, kind: Kind, home: Code | None, perm_id: str, most: int) -> list[str]:
        """Perm ids in one space (None: shared ones) after a perm id, by an index."""
        query = self._perm_ids_in_none if home is None else self._perm_ids_in
        values = {} if home is None else {"home": home}
        return [key for (key,) in self._ask(query, kind, last=perm_id, most=most, **values)]

    def edges(self, kind: Kind, batch: Sequence[str]) -> Rows:
        """Perm id, relation, perm id, and whether the target is within the scope."""
        return self._of(self._edges, kind, batch)

    def attachments(self, kind: Kind, batch: Sequence[str]) -> Rows:
        return self._of(self._attachments, kind, batch)

    def files(self, batch: Sequence[str]) -> Rows:
        return self._of(self._files, Kind.DATA_SET, batch)

    def content_copies(self, batch: Sequence[str]) -> Rows:
        return self._of(self._content_copies, Kind.DATA_SET, batch)

    def data_sets(self, samples: Sequence[str]) -> Rows:
        """Perm id of a sample, code of a data set."""
        return self._of(self._data_sets, Kind.SAMPLE, samples)

    def samples(self, perm_ids: Sequence[str]) -> Rows:
        """Those that are samples, and whether they are within the scope; the texts may be in any
        order."""
        wanted = together(self._connection, perm_ids)
        return self._ask(self._samples, Kind.SAMPLE, keys=wanted)

    def identifiers(self, kind: Kind, identifiers: Sequence[str]) -> Rows:
        """Those of these identifiers that exist, in or out of the scope."""
        wanted = together(self._connection, identifiers)
        return self._ask(self._identifiers, kind, keys=wanted)

    def _of(self, query: Callable[..., Select[Any]], kind: Kind, batch: Sequence[str]) -> Rows:
        if self._sparse:
            return self._ask(query, kind, keys=together(self._connection, batch))
        return self._ask(query, kind, first=batch[0], last=batch[-1])

    def _ask(self, query: Callable[..., Select[Any]], kind: Kind, **values: object) -> Rows:
        key = query, kind
        if key not in self._prepared:
            self._prepared[key] = Prepared(self._connection, query(kind))
        return self._prepared[key].rows(**values)

    def _batch(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        if self._sparse:
            return among(self._connection, column, bindparam("keys", None))
        return (column >= bindparam("first", "")) & (column <= bindparam("last", ""))

    def _within(self, entity: FromClause) -> ColumnElement[bool]:
        return true() if self._everything else within(entity, self._spaces, self._projects)

    def _shown_rows(self, kind: Kind) -> Select[Any]:
        entity = tables.entity
        return (
            select(
                *(*shown.COLUMNS, self._refers(kind, "experiment"), self._refers(kind, "sample")),
                *(entity.c.experiment, entity.c.sample),
            )
            .where(entity.c.kind == kind.value, self._within(entity))
            .order_by(entity.c.perm_id)
        )

    def _rows_behind(self, kind: Kind) -> Select[Any]:
        behind = tables.entity.c.perm_id > bindparam("last", "")
        return self._shown_rows(kind).where(behind).limit(bindparam("most", 0))

    def _rows(self, kind: Kind) -> Select[Any]:
        return self._shown_rows(kind).where(self._batch(tables.entity.c.perm_id))

    def _perm_ids(self, kind: Kind, lies_there: ColumnElement[bool]) -> Select[Any]:
        entity = tables.entity
        return (
            select(entity.c.perm_id)
            .where(entity.c.kind == kind.value, lies_there)
            .where(entity.c.perm_id > bindparam("last", ""))
            .order_by(entity.c.perm_id)
            .limit(bindparam("most", 0))
        )

    def _perm_ids_in(self, kind: Kind) -> Select[Any]:
        return self._perm_ids(kind, tables.entity.c.home_space == bindparam("home", ""))

    def _perm_ids_in_none(self, kind: Kind) -> Select[Any]:
        return self._perm_ids(kind, tables.entity.c.home_space.is_(None))

    def _refers(self, kind: Kind, reference: str) -> ColumnElement[Any]:
        """The experiment or sample of a row, or null if it is outside the scope."""
        if reference not in FACTS[kind].attributes:
            return tables.entity.c[reference]
        target = tables.entity.alias(f"the_{reference}")
        there = (
            select(target.c.identifier)
            .where(
                target.c.kind == reference.upper(),
                target.c.perm_id == tables.entity.c[f"{reference}_perm_id"],
                self._within(target),
            )
            .limit(1)
        )
        return there.scalar_subquery()

    def _edges(self, kind: Kind) -> Select[Any]:
        link, target = tables.link, tables.entity
        return (
            select(
                *(link.c.from_perm_id, link.c.relation, link.c.to_perm_id, self._within(target)),
            )
            .join(target, (target.c.kind == link.c.kind) & (target.c.perm_id == link.c.to_perm_id))
            .where(link.c.kind == kind.value, self._batch(link.c.from_perm_id))
            .order_by(link.c.from_perm_id, link.c.ordinal)
        )

    def _attachments(self, kind: Kind) -> Select[Any]:
        table = tables.attachment
        return (
            select(table)
            .where(table.c.kind == kind.value, self._batch(table.c.perm_id))
            .order_by(table.c.perm_id, table.c.file_name, table.c.version)
        )

    def _files(self, _kind: Kind) -> Select[Any]:
        table = tables.data_set_file
        return select(table).where(self._batch(table.c.code)).order_by(*table.primary_key)

    def _content_copies(self, _kind: Kind) -> Select[Any]:
        table = tables.content_copy
        return select(table).where(self._batch(table.c.code)).order_by(*table.primary_key)

    def _data_sets(self, kind: Kind) -> Select[Any]:
        sample, data_set = tables.entity.alias("owner"), tables.entity
        return (
            select(sample.c.perm_id, data_set.c.perm_id)
            .join(
                data_set,
                (data_set.c.kind == Kind.DATA_SET.value)
                & (data_set.c.sample_perm_id == sample.c.perm_id)
                # AFS data are in no list that an openBIS 20.10 reads: it must not look for them
                & data_set.c.afs.is_(None)
                & self._within(data_set),
            )
            .where(sample.c.kind == kind.value, self._batch(sample.c.perm_id))
            .order_by(sample.c.perm_id, data_set.c.perm_id)
        )

    def _samples(self, kind: Kind) -> Select[Any]:
        entity = tables.entity
        wanted = among(self._connection, entity.c.perm_id, bindparam("keys", None))
        return select(entity.c.perm_id, self._within(entity)).where(
            entity.c.kind == kind.value, wanted
        )

    def _identifiers(self, kind: Kind) -> Select[Any]:
        entity = tables.entity
        wanted = among(self._connection, entity.c.identifier, bindparam("keys", None))
        return select(entity.c.identifier).where(entity.c.kind == kind.value, wanted)
