"""Whole instances for tests: a source that is really served, a destination that really harvests."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import Engine, make_url, text

from shared.model.entities import Attachment, AttachmentVersion, Entity, FileNode
from shared.model.ids import Code, Identifier
from shared.model.kinds import ENTITY_KINDS, Kind
from shared.model.master_data import MasterData
from shared.store.engine import create_store, data_store_uuid, work
from shared.store.files import DataStore
from shared.store.load import Loadable, load
from shared.store.master_data import stored_master_data
from shared.store.read import Reader, space_codes
from shared.store.tables import LOCAL, meta, metadata
from shared.store.upgrade import OF_HARVESTERS
from shared.store.users import Role, add_persons, grant, set_password
from source_server.catalogues.embedded import EmbeddedCatalogue, StoreUsers
from source_server.publication.catalogue import Catalogue
from source_server.settings import SourceSettings
from source_server.users.sign_in import Authenticator
from source_server.web.app import create_app
from tests.support.servers.web_server import serving

# Takes an ASGI application and gives one that stands before it.
Around = Callable[[Any], Any]

PROJECT = Path(__file__).parents[3]
_ONLY_IN_TRASH = "SELECT sha256 FROM trash_attachment EXCEPT SELECT sha256 FROM attachment"
USER = "harvest"
PASSWORD = "s:e=c%r e#t-ü"


@cache
def hashed(password: str = PASSWORD) -> str:
    """Argon2 is slow on purpose; this hash is a quick one of the same kind."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


@cache
def _tables_on_sqlite() -> bytes:
    """The file of a store that has its tables and no rows, not even a name."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_store(f"sqlite:///{folder}/instance.db")
        with engine.begin() as connection:
            connection.execute(meta.delete())
        engine.dispose()
        return Path(folder, "instance.db").read_bytes()


def new_store(url: str) -> Engine:
    """As `create_store`, which makes the tables of a new file of SQLite only once in a process: to
    copy them takes a tenth of the time."""
    file = Path(make_url(url).database or "")
    if make_url(url).drivername == "sqlite" and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_tables_on_sqlite())
    return create_store(url)


class _Users(StoreUsers):
    """Signs in the persons of a store, without the delays that make guessing useless."""

    def accepts(self, user_id: str, password: str) -> bool:
        stored = self.password_hash(user_id)
        return stored is not None and self.verify(stored, password)


@dataclass(frozen=True, slots=True)
class Instance:
    """An embedded instance in a folder, with a database of its own or the one at ``url``."""

    root: Path
    engine: Engine

    @classmethod
    def create(cls, root: Path, url: str | None = None) -> Instance:
        return cls(root, new_store(url or f"sqlite:///{root}/instance.db"))

    @property
    def store(self) -> DataStore:
        with self.engine.connect() as connection:
            return DataStore(
                root=self.root / "store",
                uuid=data_store_uuid(connection),
                service_root=self.root / "file-service",
                temporary=self.root / "store" / "temp",
            )

    def load(self, *values: Loadable) -> None:
        with self.engine.connect() as connection, work(connection) as transaction, transaction():
            loaded = load(connection, self.store, values)
        assert loaded.faults == []

    def execute(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def delete(self, *entities: Entity) -> None:
        for entity in entities:
            for table, key in (("entity", "perm_id"), ("attachment", "perm_id")):
                self.execute(
                    f"DELETE FROM {table} WHERE kind = '{entity.kind}' AND {key} ="  # noqa: S608
                    f" '{entity.perm_id}'"
                )
            self.execute(f"DELETE FROM link WHERE from_perm_id = '{entity.perm_id}'")  # noqa: S608

    def add_user(self, user_id: str = USER, password: str = PASSWORD, place: str = "") -> None:
        with self.engine.begin() as connection:
            add_persons(connection, LOCAL, [user_id])
            set_password(connection, user_id, hashed(password))
            grant(connection, user_id, Role.OBSERVER, place)

    def put_file(self, code: str, path: str, content: bytes) -> FileNode:
        """Write a file of a data set; returns what a list says of it."""
        place = self.store.data_set_folder(code) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(content)
        return a_file(path, content)

    def put_attachment(self, file_name: str, *contents: bytes) -> Attachment:
        """Write the versions of an attachment; returns what a list says of it."""
        versions = []
        for number, content in enumerate(contents, start=1):
            sha256 = hashlib.sha256(content).hexdigest()
            place = self.store.attachment(sha256)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            versions.append(AttachmentVersion(version=number, length=len(content), sha256=sha256))
        return Attachment(file_name=file_name, versions=tuple(versions))

    def drop_attachments(self, entity: Entity) -> None:
        self.execute(f"DELETE FROM attachment WHERE perm_id = '{entity.perm_id}'")  # noqa: S608

    @contextmanager
    def served(self, around: Around = lambda app: app) -> Iterator[str]:
        """The base URL under which the instance is published meanwhile; ``around`` stands before
        the application (see tests.support.faults.faulty_source)."""
        settings = SourceSettings(
            base_dir=self.root,
            storeroot_dir=self.root / "store",
            file_service_repository_path=self.root / "file-service",
            server_url="http://localhost/openbis",
            download_url="http://localhost",
        )
        catalogue = EmbeddedCatalogue(
            self.engine, store_root=self.root / "store", service_root=self.root / "file-service"
        )
        with reachable(catalogue, _Users(self.engine), settings, around) as url:
            yield url

    def entities(self) -> dict[tuple[Kind, str], Entity]:
        return stored_in(self)

    def codes(self, kind: Kind) -> set[str]:
        """Perm ids of the stored entities of a kind."""
        return {perm_id for stored, perm_id in self.entities() if stored is kind}

    def master_data(self) -> MasterData:
        with self.engine.connect() as connection:
            return stored_master_data(connection)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def tables(self) -> dict[str, list[str]]:
        """Every row of the instance, but when sources were harvested and the mark of the
        last change; without what a harvester remembers of its runs."""
        names = metadata.tables.keys() - {table.name for table in OF_HARVESTERS}
        queries = {name: f"SELECT * FROM {name}" for name in names}  # noqa: S608
        queries["source"] = "SELECT name, url FROM source"
        queries["meta"] = "SELECT * FROM meta WHERE key <> 'published'"
        queries["meta"] = "SELECT * FROM meta WHERE key <> 'published'"
        return {name: sorted(map(repr, self.rows(query))) for name, query in queries.items()}

    def bytes_held(self) -> dict[str, bytes]:
        """The contents in the data store and of the file service, by what they are; without those
        that only the trash needs."""
        data_sets = "SELECT perm_id FROM entity WHERE kind = 'DATA_SET'"
        roots = {
            str(code): self.store.data_set_folder(str(code)) for (code,) in self.rows(data_sets)
        }
        roots |= {
            "attachments": self.store.root / "attachments",
            "file-service": self.store.service_root,
        }
        discarded = {name for (name,) in self.rows(_ONLY_IN_TRASH)}
        return {
            f"{name}/{path.relative_to(root)}": path.read_bytes()
            for name, root in roots.items()
            for path in root.rglob("*")
            if path.is_file()
            and not (name == "attachments" and path.name in discarded)
            and not path.name.startswith(".openbis-sync-")
        }

    def content(self) -> dict[str, object]:
        """Every row and every file with its i-node, to see whether anything was written."""
        return {**self.tables(), **files_below(self.root / "store", self.root / "file-service")}


def stored_in(
    instance: Instance, spaces: Iterable[str] | None = None, projects: Iterable[str] = ()
) -> dict[tuple[Kind, str], Entity]:
    """The entities of these spaces (of all, if None) and projects."""
    with instance.engine.connect() as connection:
        shown = space_codes(connection) if spaces is None else map(Code, spaces)
        reader = Reader(connection, frozenset(shown), frozenset(map(Identifier, projects)))
        return {(k, e.perm_id): e for k in ENTITY_KINDS for e in reader.entities(k)}


class _Late:
    """An ASGI app that is known only when its address is."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.app is None:
            raise RuntimeError("nothing is served yet")
        await self.app(scope, receive, send)


@contextmanager
def reachable(
    catalogue: Catalogue,
    authenticator: Authenticator,
    settings: SourceSettings,
    around: Around = lambda app: app,
) -> Iterator[str]:
    """Serve under the address that the documents name."""
    late = _Late()
    with serving(late) as url:
        named = settings.model_copy(update={"download_url": url, "server_url": f"{url}/openbis"})
        late.app = around(create_app(catalogue, authenticator, named))
        yield url


def files_below(*roots: Path) -> dict[str, object]:
    """Files with their times and i-nodes, but for the markers of folders."""
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ino)
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".openbis-sync-")
    }


def a_file(path: str, content: bytes) -> FileNode:
    """What a list says of a file with this content."""
    return FileNode(
        path=path,
        length=len(content),
        crc32=zlib.crc32(content),
        checksum=f"SHA256:{hashlib.sha256(content).hexdigest()}",
    )
