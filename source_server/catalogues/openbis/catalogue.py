"""The catalogue over a real openBIS database; `open_openbis` opens one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Engine, Row

from shared.errors import ConfigError
from shared.model.entities import Entity
from shared.model.ids import Code, PermId
from shared.model.kinds import Kind
from shared.model.unknown import Unknown
from source_server.catalogues.openbis import (
    queries_access,
    queries_afs,
    queries_entities,
    scopes,
)
from source_server.catalogues.openbis.afs import AfsData
from source_server.catalogues.openbis.changes import ChangesTold, StateTaker
from source_server.catalogues.openbis.connect import (
    check_low_water_mark,
    connected,
    low_water_mark,
    none_if_untranslatable,
    reading_engine,
    snapshot,
)
from source_server.catalogues.openbis.data_store import OpenBisDataStore, file_below
from source_server.catalogues.openbis.entities import EntityReader
from source_server.catalogues.openbis.files import FileLists, Place
from source_server.catalogues.openbis.kept_states import KeptStates
from source_server.catalogues.openbis.opening import dialect_of, files_query_of, logged_version
from source_server.catalogues.openbis.parts import moment
from source_server.catalogues.openbis.path_info import PathInfo
from source_server.catalogues.openbis.schema import Dialect
from source_server.catalogues.openbis.snapshot import OpenBisSnapshot
from source_server.catalogues.openbis.texts import can_be_asked_for
from source_server.publication.catalogue import Downloadable, Scope, not_now
from source_server.publication.mentioned_files import MentionedFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBisAccess:
    """Settings that decide who sees what, and what is read."""

    # Roles in projects count for users whose id this regular expression matches (openBIS's
    # ``authorization.project-level.users``); None: for no user.
    project_level_users: str | None = None
    # Whether a database is read that is newer than the newest known schema.
    allow_newer_schema: bool = False
    # Whether AFS files are read whose checksums nothing has noted.
    computes_afs_checksums: bool = False
    # Where states of the database are kept, to tell changes; None: they are not told.
    states: Path | None = None

    @property
    def project_level_pattern(self) -> re.Pattern[str] | None:
        users = self.project_level_users
        try:
            return None if users is None else re.compile(users)
        except re.error as fault:
            raise ConfigError(
                f"authorization.project-level.users: {users!r} is not a regular expression: {fault}"
            ) from fault


OPENBIS_DEFAULTS = OpenBisAccess()


class OpenBisCatalogue:
    """A `Catalogue` that only reads, and never shows anything outside of the given scope.

    ``store_root`` and ``file_service_root`` are openBIS's ``storeroot-dir`` and
    ``file-service-repository-path``; data stores that lie elsewhere are in ``others``, by their
    codes.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        store_root: Path,
        path_info: Engine | None = None,
        others: Mapping[str, Place] = MappingProxyType({}),
        file_service_root: Path | None = None,
        access: OpenBisAccess = OPENBIS_DEFAULTS,
    ) -> None:
        self._engine = engine
        self._file_service_root = file_service_root
        self._project_level = access.project_level_pattern
        self._access = access
        with connected(engine) as connection:
            self._dialect = dialect_of(connection, allow_newer=access.allow_newer_schema)
            self._logged = logged_version(connection)
            check_low_water_mark(connection)
        usual = Place(store=OpenBisDataStore(store_root), path_info=_checked_path_info(path_info))
        self._file_lists = FileLists(usual, others)
        self._afs = AfsData(self._file_lists, computes_checksums=access.computes_afs_checksums)
        self._mentions = MentionedFiles(self._mentioned)
        self._kept = KeptStates(access.states) if access.states else None

    @property
    def schema_version(self) -> int:
        return self._dialect.version

    def close(self) -> None:
        self._engine.dispose()
        for place in self._file_lists.places().values():
            if place.path_info is not None:
                place.path_info.engine.dispose()

    def scope_of(self, user_id: str) -> Scope | None:
        if not can_be_asked_for(user_id):
            return None
        with none_if_untranslatable(), connected(self._engine) as connection:
            dialect = self._dialect_now(connection)
            return scopes.scope_of(connection, dialect, user_id, self._project_level)
        return None

    def turn(self) -> AbstractContextManager[object]:
        return nullcontext()  # PostgreSQL works while others write

    @contextmanager
    def snapshot(self) -> Iterator[OpenBisSnapshot]:
        at = low_water_mark(self._engine)
        with snapshot(self._engine) as connection:
            dialect = self._dialect_now(connection)
            changes = self._changes(connection, dialect)
            view = OpenBisSnapshot(connection, dialect, at, self._file_lists, self._afs, changes)
            try:
                yield view
            finally:
                view.close()

    def unseen(self) -> Counter[str]:
        """See `source_server.publication.unseen.Foreseeing`."""
        with connected(self._engine) as connection:
            dialect = self._dialect_now(connection)
            states = [*connection.execute(dialect(queries_entities.STATES_OF_DATA_SETS))]
            if dialect.version >= queries_afs.FIRST:
                states += connection.execute(dialect(queries_afs.STATES_OF_AFS_DATA))
        return self._file_lists.unseen(states)

    def data_set_file(self, code: Code, path: str, scope: Scope) -> Downloadable | None:
        data_set = self._one(queries_access.DATA_SET, scope, {"code": code})
        if data_set is None and self.schema_version >= queries_afs.FIRST:
            data = self._one(queries_afs.ONE_OF_AFS_DATA, scope, {"code": code})
            return self._afs.file(code, path, data) if data else None
        folder = self._file_lists.place_of(data_set) if data_set else None
        if isinstance(folder, Unknown):
            raise not_now(code, folder)
        return _file_content(folder, path)

    def data_set(self, code: Code, scope: Scope) -> Entity | None:
        if not can_be_asked_for(code):
            return None
        with none_if_untranslatable(), snapshot(self._engine) as connection:
            dialect = self._dialect_now(connection)
            window = scopes.window_of(connection, dialect, scope)
            query = dialect(queries_access.DATA_SET_ID)
            row = connection.execute(query, {**window, "code": code}).one_or_none()
            if row is None:
                return next(self._afs.of_owners(connection, dialect, window, [code]), None)
            reader = EntityReader(connection, dialect, Kind.DATA_SET, self._file_lists)
            return next(reader.page(window, [row.id]))
        return None

    def attachment(
        self, kind: Kind, perm_id: PermId, file_name: str, version: int, scope: Scope
    ) -> Downloadable | None:
        query = queries_access.ATTACHMENT.get(kind)
        if query is None:
            return None
        key = {"perm_id": perm_id, "file_name": file_name, "version": version}
        row = self._one(query, scope, key)
        if row is None:
            return None
        return Downloadable(
            length=len(row.value),
            etag=row.sha256,
            modified=moment(row.registered, "Attachment", file_name),
            data=bytes(row.value),
        )

    def service_file(self, path: str, scope: Scope) -> Downloadable | None:
        content = _file_content(self._file_service_root, path)
        if content is None or not self._mentions.includes(path, scope):
            return None
        return content

    def _changes(self, connection: Connection, dialect: Dialect) -> ChangesTold | None:
        if self._kept is None:
            return None
        taker = StateTaker(self._kept, self._file_lists, self._afs, self._file_service_root)
        return ChangesTold(self._kept, partial(taker.state, connection, dialect))

    def _one(self, query: str, scope: Scope, key: Mapping[str, Any]) -> Row[Any] | None:
        """The row with this key, if it is within the scope; else None."""
        if not all(map(can_be_asked_for, key.values())):
            return None
        with none_if_untranslatable(), connected(self._engine) as connection:
            dialect = self._dialect_now(connection)
            window = scopes.window_of(connection, dialect, scope)
            return connection.execute(dialect(query), {**window, **key}).one_or_none()
        return None

    def _dialect_now(self, connection: Connection) -> Dialect:
        """The dialect, found out anew if openBIS has upgraded its database meanwhile: a newer
        schema may have other rights. Raises `ConfigError` if it cannot be read any more."""
        logged = logged_version(connection)
        if logged != self._logged:
            self._dialect = dialect_of(connection, allow_newer=self._access.allow_newer_schema)
            self._logged = logged
        return self._dialect

    def _mentioned(self, scope: Scope) -> frozenset[str]:
        with connected(self._engine) as connection:
            dialect = self._dialect_now(connection)
            window = scopes.window_of(connection, dialect, scope)
            query = dialect(queries_access.SERVICE_FILE_PATHS)
            return frozenset(row.path for row in connection.execute(query, dict(window)))


def open_openbis(
    url: str,
    *,
    store_root: Path,
    path_info_url: str | None = None,
    others: Mapping[str, tuple[Path, str | None]] = MappingProxyType({}),
    file_service_root: Path | None = None,
    access: OpenBisAccess = OPENBIS_DEFAULTS,
) -> OpenBisCatalogue:
    """Open the openBIS instance at a database URL (``postgresql://...``); as `OpenBisCatalogue`.

    ``others``: store root and URL of the path info of data stores in other places. Raises
    `ConfigError` if a database cannot be reached or read.
    """
    with ExitStack() as if_it_fails:

        def opened(address: str | None) -> Engine | None:
            if address is None:
                return None
            engine = reading_engine(address)
            if_it_fails.callback(engine.dispose)
            return engine

        engine = reading_engine(url)
        if_it_fails.callback(engine.dispose)
        catalogue = OpenBisCatalogue(
            engine,
            store_root=store_root,
            path_info=opened(path_info_url),
            others={
                code: Place(
                    store=OpenBisDataStore(root), path_info=_checked_path_info(opened(notes))
                )
                for code, (root, notes) in others.items()
            },
            file_service_root=file_service_root,
            access=access,
        )
        if_it_fails.pop_all()
        return catalogue


def _checked_path_info(engine: Engine | None) -> PathInfo | None:
    if engine is None:
        return None
    with connected(engine) as connection:
        return PathInfo(engine=engine, query=files_query_of(connection))


def _file_content(folder: Path | None, path: str) -> Downloadable | None:
    file = file_below(folder, path) if folder else None
    return Downloadable.of_file(file) if file else None
