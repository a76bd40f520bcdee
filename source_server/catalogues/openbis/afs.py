"""AFS data as data sets: the files of experiments and samples in the application file service of
openBIS 7. The code of such a data set is the perm id of its owner."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from heapq import merge
from typing import Any

from sqlalchemy import Connection, Row, TextClause

from shared.model.entities import Entity
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import NOT_FROZEN, DataSetKind, Frozen, Kind
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis import queries_afs
from source_server.catalogues.openbis.afs_checksums import ComputedSums
from source_server.catalogues.openbis.afs_files import AfsFileLists, AfsListed
from source_server.catalogues.openbis.afs_folder import content_file
from source_server.catalogues.openbis.files import FileLists
from source_server.catalogues.openbis.parts import moment
from source_server.catalogues.openbis.schema import Dialect
from source_server.catalogues.openbis.scopes import Window
from source_server.publication.catalogue import Downloadable, not_now

# Owners per page.
_PAGE = 250

_HIDDEN = Unknown(part=Part.CONNECTIONS, reason=Reason.OUT_OF_SCOPE, detail="the experiment")


class AfsData:
    """The AFS data of an openBIS.

    ``computes_checksums``: whether files are read whose checksums nothing has noted.
    """

    def __init__(self, file_lists: FileLists, *, computes_checksums: bool) -> None:
        self._lists = AfsFileLists(file_lists, ComputedSums() if computes_checksums else None)

    def among(
        self,
        data_sets: Generator[Entity],
        connection: Connection,
        dialect: Dialect,
        window: Window,
    ) -> Generator[Entity]:
        """These data sets, with the AFS data within the window at their places; all by perm id in
        byte order."""
        if dialect.version < queries_afs.FIRST:
            return data_sets
        return _merged(data_sets, self.all(connection, dialect, window))

    def all(self, connection: Connection, dialect: Dialect, window: Window) -> Generator[Entity]:
        """All AFS data within the window, by perm id in byte order; of a schema that knows them."""
        return self._read(connection, dialect(queries_afs.AFS_DATA), window)

    def of_owners(
        self, connection: Connection, dialect: Dialect, window: Window, owners: Sequence[str]
    ) -> Generator[Entity]:
        """The AFS data, within the window, of the owners with these perm ids, in byte order."""
        if dialect.version >= queries_afs.FIRST:
            query = dialect(queries_afs.AFS_DATA_OF_OWNERS)
            yield from self._read(connection, query, {**window, "perm_ids": list(owners)})

    def file(self, code: Code, path: str, data: Row[Any]) -> Downloadable | None:
        """A file of the content; None if there is none. Raises `NotNowError` if the folder cannot
        be seen now."""
        place = self._lists.place_of(data)
        if isinstance(place, Unknown):
            raise not_now(code, place)
        file = content_file(place, path)
        return Downloadable.of_file(file, may_change=True) if file else None

    def _read(
        self, connection: Connection, query: TextClause, values: Mapping[str, object]
    ) -> Generator[Entity]:
        with connection.execute(
            query, dict(values), execution_options={"yield_per": _PAGE}
        ) as result:
            for page in result.partitions(_PAGE):
                for row, listed in zip(page, self._lists.of_page(page), strict=True):
                    yield _entity(row, listed)


def _merged(*streams: Generator[Entity]) -> Generator[Entity]:
    # `merge` closes none of its streams: a reader that stops halfway would leave cursors open.
    with ExitStack() as open_streams:
        for stream in streams:
            open_streams.enter_context(closing(stream))
        yield from merge(*streams, key=lambda entity: entity.perm_id.encode())


def _entity(row: Row[Any], listed: AfsListed) -> Entity:
    return Entity(
        kind=Kind.DATA_SET,
        perm_id=PermId(row.perm_id),
        code=Code(row.perm_id),
        registered=moment(row.registered, Kind.DATA_SET, row.perm_id),
        modified=_modified(row, listed),
        registrator=row.registrator,
        modifier=row.modifier,
        type=row.type,
        experiment=row.experiment and Identifier(row.experiment),
        sample=row.sample and Identifier(row.sample),
        frozen=Frozen(row.flags) if row.flags else NOT_FROZEN,
        data_set_kind=DataSetKind.PHYSICAL,
        files=listed.files,
        unknown=(*listed.unknown, _HIDDEN) if row.hides_experiment else listed.unknown,
        is_afs=True,
        empty_folders=listed.empty_folders,
    )


def _modified(row: Row[Any], listed: AfsListed) -> datetime:
    """The latest change of the row, the files and the folders: a later write touches no row.

    A client compares this time with the ``at`` of its last list, and must not miss what changed
    after a look at a folder. ``at`` is asked for before the look, cut to seconds, less a second.
    The last change of a file or folder (not only of its content, whose time programs can set back)
    is rounded up here. So each change after a look has a time after ``at``, as long as the clock of
    the file server is at most a second behind that of PostgreSQL. What changed just before a look
    has one, too: it is compared once more with the next list.
    """
    return max(moment(row.modified, Kind.DATA_SET, row.perm_id), listed.changed)
