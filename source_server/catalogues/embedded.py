"""The catalogue over our own store: harvested, loaded, or made here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, Select, bindparam, func, select, text

from shared.errors import NotNowError
from shared.model.entities import Entity
from shared.model.ids import Code, PermId
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason, Unknown
from shared.passwords import verify_password
from shared.store import tables
from shared.store.engine import data_store_uuid, snapshot
from shared.store.files import DataStore
from shared.store.master_data import stored_master_data
from shared.store.published import published_mark
from shared.store.read import Reader, space_codes, texts_containing, within
from shared.store.rows import moment, to_unknown
from shared.store.sources import low_water_mark
from shared.store.users import Person, find_person
from source_server.catalogues.embedded_snapshot import EmbeddedSnapshot
from source_server.catalogues.missing_files import MissingFiles
from source_server.catalogues.stored_files import StoredFiles, state_of
from source_server.publication.catalogue import Downloadable, Scope, not_now
from source_server.publication.mentioned_files import MentionedFiles
from source_server.publication.service_files import MARK, mentions_in, texts_of_master_data

_OLDEST_TRANSACTION = text(
    "SELECT min(xact_start) FROM pg_stat_activity"
    " WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()"
)


class EmbeddedCatalogue:
    """Publishes a store and its data store folder."""

    def __init__(
        self,
        engine: Engine,
        *,
        store_root: Path,
        service_root: Path,
        missing: MissingFiles | None = None,
    ) -> None:
        self._engine = engine
        with engine.connect() as connection:
            self._files = DataStore(
                root=store_root,
                uuid=data_store_uuid(connection),
                service_root=service_root,
                temporary=store_root / "temp",
            )
        self._mentions = MentionedFiles(self._mentioned)
        self._missing = MissingFiles() if missing is None else missing
        # sqlite3 gives the interpreter's lock away for every row, and gets it back late. Each
        # process has an interpreter of its own, so this is no matter between workers.
        self._turn = Lock() if engine.dialect.name == "sqlite" else nullcontext()

    def scope_of(self, user_id: str) -> Scope | None:
        with self._engine.connect() as connection:
            person = find_person(connection, user_id)
            if person is None or not person.active or not person.roles:
                return None
            return _scope(connection, person)

    def turn(self) -> AbstractContextManager[object]:
        return self._turn

    def mark(self) -> str | None:
        """See `source_server.publication.list_etag.Marked`. None while a file of the data store
        folder is missing, since no mark changes when it comes back."""
        if self._missing:
            return None
        with self._engine.connect() as connection:
            mark = published_mark(connection)
        return mark and f"{mark} {state_of(self._files)}"

    @contextmanager
    def snapshot(self) -> Iterator[EmbeddedSnapshot]:
        at = self._low_water_mark()
        with snapshot(self._engine) as connection:
            yield EmbeddedSnapshot(
                *(connection, at, stored_master_data(connection)),
                *(StoredFiles(self._files), self._missing),
            )

    def _low_water_mark(self) -> datetime:
        """The earliest time that a later commit can carry; to be taken before the snapshot.

        It is the earliest of the clock, the oldest open transaction (PostgreSQL shows it), and what
        harvests may still bring. It is one second less, since lists have whole seconds and "after"
        is strict there.
        """
        marks = [datetime.now(UTC)]
        with self._engine.connect() as connection:
            if self._engine.dialect.name == "postgresql":
                oldest = connection.execute(_OLDEST_TRANSACTION).scalar()
                marks += [oldest] if oldest else []
            harvested = low_water_mark(connection)
            marks += [harvested] if harvested else []
        return min(marks).replace(microsecond=0) - timedelta(seconds=1)

    def unseen(self) -> Counter[str]:
        """See `source_server.publication.unseen.Foreseeing`."""
        found: Counter[str] = Counter()
        entity, file = tables.entity, tables.data_set_file
        marked = (
            select(entity.c.unknown, func.count())
            .where(entity.c.kind == Kind.DATA_SET.value, entity.c.unknown.is_not(None))
            .group_by(entity.c.unknown)
        )
        with self._engine.connect() as connection:
            for text_of, number in connection.execute(marked):
                for reason in {m.reason for m in to_unknown(text_of) if m.part is Part.FILES}:
                    found[reason] += number
            if StoredFiles(self._files).reason() is Reason.NOT_MOUNTED:
                count = select(func.count(file.c.code.distinct()))
                number = connection.execute(count).scalar_one()
                found[f"{Reason.NOT_MOUNTED}: {self._files.root}"] += number
        # The plus drops reasons with the count 0: an instance without files is not reported as
        # one whose disk is not mounted.
        return +found

    def data_set_file(self, code: Code, path: str, scope: Scope) -> Downloadable | None:
        with self._engine.connect() as connection:
            row = connection.execute(_file_within(scope), {"code": code, "path": path}).first()
        if row is None:
            return None
        try:
            place = self._files.data_set_file(code, path)
        except ValueError:
            return None
        known = row.checksum or row.crc32
        content = Downloadable.of_file(place, str(known) if known else None)
        if content is None and not (here := StoredFiles(self._files)).has(code):
            raise not_now(code, Unknown(part=Part.FILES, reason=here.reason()))
        return content

    def data_set(self, code: Code, scope: Scope) -> Entity | None:
        with snapshot(self._engine) as connection:
            reader = Reader(connection, scope.spaces, scope.projects)
            return reader.entity(Kind.DATA_SET, PermId(code))

    def attachment(
        self, kind: Kind, perm_id: PermId, file_name: str, version: int, scope: Scope
    ) -> Downloadable | None:
        entity, held = tables.entity, tables.attachment
        query = (
            select(held.c.sha256, held.c.registered)
            .join(entity, (entity.c.kind == held.c.kind) & (entity.c.perm_id == held.c.perm_id))
            .where(
                held.c.kind == kind.value,
                held.c.perm_id == perm_id,
                held.c.file_name == file_name,
                held.c.version == version,
                within(entity, scope.spaces, scope.projects),
            )
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None or row.sha256 is None:
            return None
        place = self._files.attachment(row.sha256)
        if not place.is_file():
            raise NotNowError(f"attachment {file_name!r}: its content is not here; try again later")
        return Downloadable(
            length=place.stat().st_size,
            etag=row.sha256,
            modified=moment(row.registered) if row.registered else None,
            path=place,
        )

    def service_file(self, path: str, scope: Scope) -> Downloadable | None:
        try:
            content = Downloadable.of_file(self._files.service_file(path))
        except ValueError:
            return None
        return content if content and self._mentions.includes(path, scope) else None

    def _mentioned(self, scope: Scope) -> frozenset[str]:
        with self._engine.connect() as connection:
            master_data = stored_master_data(connection)
            visible = within(tables.entity, scope.spaces, scope.projects)
            texts = texts_containing(connection, visible, MARK)
            return frozenset(mentions_in(chain(texts_of_master_data(master_data), texts)))


class StoreUsers:
    """The persons of a store as a directory of users."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def password_hash(self, user_id: str) -> str | None:
        """None if the person does not exist, is not active, or has no password."""
        with self._engine.connect() as connection:
            person = find_person(connection, user_id)
        return person.password_hash if person and person.active else None

    def verify(self, stored: str, password: str) -> bool:
        return verify_password(stored, password)


@lru_cache(maxsize=64)
def _file_within(scope: Scope) -> Select[Any]:
    """Cached: files come by thousands, and building this query takes longer than running it."""
    entity, file = tables.entity, tables.data_set_file
    return (
        select(file.c.length, file.c.crc32, file.c.checksum)
        .join(entity, (entity.c.kind == Kind.DATA_SET.value) & (entity.c.perm_id == file.c.code))
        .where(
            file.c.code == bindparam("code"),
            file.c.path == bindparam("path"),
            within(entity, scope.spaces, scope.projects),
        )
    )


def _scope(connection: Connection, person: Person) -> Scope:
    spaces = frozenset(space_codes(connection))
    if person.sees_everything:
        return Scope(spaces=spaces)
    return Scope(spaces=spaces & person.spaces, projects=person.projects)
