"""Every openBIS database, made or given, goes through HTTP into a harvested instance."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.rows import namedtuple_row

from shared.model.kinds import Kind
from shared.resourcesync.v20.version import V20
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.published import Publication, everything
from source_server.publication.resource_list import resource_list
from source_server.publication.selection import Selection
from source_server.publication.service_files import ServiceFiles
from source_server.settings import SourceSettings
from source_server.users.sign_in import DirectoryAuthenticator
from source_server.users.users_file import UsersFile
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PASSWORD, hashed, reachable
from tests.support.openbis.examples import Examples
from tests.support.openbis_made import database as openbis_made
from tests.support.servers.postgres import connected_to, counted, run

DATABASES = (
    *openbis_made.NAMES,
    "openbis_unittest_154",
    "openbis_unittest_178",
    "openbis_unittest_192",
    "x192_features",
    "unittest_213",
    "x207_features",
    "x213_features",
    "openbis_scu_microscopy",
    "m192_scu_microscopy",
    "openbis_sync_big_harvester",
    "m192_sync_big_harvester",
    "m192_3v",
    "m192_yeastx",
)
# Who sees everything in a database; ``admin`` in all others.
READERS = {
    **dict.fromkeys(openbis_made.NAMES, "keeper"),
    "openbis_unittest_154": "test",
    "openbis_unittest_178": "test",
    "openbis_unittest_192": "test",
    "x192_features": "test",
    "unittest_213": "test",
    "x207_features": "test",
    "x213_features": "test",
    "m192_3v": "test",
    "m192_yeastx": "test",
}

_COUNTS = {
    Kind.SPACE: "SELECT count(*) FROM spaces",
    Kind.PROJECT: "SELECT count(*) FROM projects",
    Kind.EXPERIMENT: "SELECT count(*) FROM experiments_all WHERE del_id IS NULL",
    Kind.SAMPLE: "SELECT count(*) FROM samples_all WHERE del_id IS NULL",
    Kind.DATA_SET: """
        SELECT count(*) FROM data_all AS d WHERE d.del_id IS NULL AND NOT EXISTS (
            SELECT 1 FROM external_data AS e WHERE NOT e.storage_confirmation
               AND coalesce(to_jsonb(e) ->> 'data_id', to_jsonb(e) ->> 'id') = d.id::text)
    """,  # a data set that is still being registered is not published yet
    Kind.MATERIAL: "SELECT count(*) FROM materials",  # until schema 209
}


class OpenBis:
    """An openBIS database that is published over HTTP."""

    def __init__(
        self, catalogue: OpenBisCatalogue, root: Path, database: str, reader: str | None = None
    ) -> None:
        """``reader``: by default one that sees everything."""
        self._catalogue = catalogue
        self._root = root
        self._user = reader or READERS.get(database, "admin")
        self._service_files = root / "file-service"
        self._settings = SourceSettings(
            base_dir=root, file_service_repository_path=self._service_files
        )

    @contextmanager
    def served(self) -> Iterator[str]:
        users = UsersFile(self._root / "users")
        if self._user not in users.user_ids():
            users.add(self._user, hashed(PASSWORD))
        with reachable(self._catalogue, DirectoryAuthenticator([users]), self._settings) as url:
            yield url

    def list_file(self) -> Path:
        """The resource list as a file, without HTTP."""
        path = self._root / "list.xml"
        publication = Publication(
            catalogue=self._catalogue,
            addresses=self._settings.addresses,
            service_files=ServiceFiles(self._service_files, inline_limit=1_000_000),
            wire_format=V20,
        )
        chunks = resource_list(publication, everything, Selection())
        path.write_bytes(b"".join(chunks))
        return path

    def configure(self, harvest: Harvest, url: str, deletion_allowed: str = "true") -> None:
        harvest.section(
            "DS1", url, data_source_auth_user=self._user, deletion_allowed=deletion_allowed
        )
        made = harvest.command("init", "--internal-master-data", str(self.list_file()))
        assert made.code == 0, made.output


@pytest.fixture(params=["sqlite", "postgresql"])
def harvest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harvest]:
    """A destination on each of both databases."""
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else None
    harvest = Harvest(tmp_path / "destination", database_url=url)
    yield harvest
    harvest.instance.engine.dispose()


@pytest.mark.parametrize("database", DATABASES)
def test_a_database_arrives_whole_and_the_second_harvest_writes_nothing(
    database: str,
    harvest: Harvest,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    tmp_path: Path,
) -> None:
    url = load_openbis(database)
    source = OpenBis(open_catalogue(url), tmp_path, database)
    with source.served() as address:
        source.configure(harvest, address)
        first = harvest.run()
        assert first.code == 0, first.output
        before = harvest.instance.content()
        second = harvest.run()
        assert "done: nothing to do" in second.output
        assert harvest.instance.content() == before
        audit = harvest.audit()
        assert audit.code == 0
        *notes, last = audit.output.splitlines()
        assert last == "[DS1] 0 differences"
        assert all(note.startswith("[DS1] note: ") for note in notes)
    arrived = dict.fromkeys(_COUNTS, 0)
    for kind, _ in harvest.instance.entities():
        arrived[kind] += 1
    assert arrived == dict.fromkeys(_COUNTS, 0) | _counts(url)


@pytest.mark.parametrize(
    "states",
    [("made_192", "made_207", "made_213"), ("x192_features", "x207_features", "x213_features")],
)
def test_nothing_is_lost_when_a_source_is_upgraded_and_its_materials_are_gone(
    states: tuple[str, str, str],
    harvest: Harvest,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    tmp_path: Path,
) -> None:
    kept: set[tuple[Kind, str]] = set()
    for state in states:
        source = OpenBis(open_catalogue(load_openbis(state)), tmp_path, state)
        with source.served() as address:
            source.configure(harvest, address)  # what openBIS ships is new in a later version
            run = harvest.run()
        assert kept <= set(harvest.instance.entities()), state
        kept = set(harvest.instance.entities())

    assert run.code == 8, run.output
    materials = sum(kind is Kind.MATERIAL for kind, _ in kept)
    assert f"{materials} deletions are held back" in run.output


def test_meta_data_and_times_of_immutable_data_arrive_as_the_database_has_them(
    harvest: Harvest,
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x213_store: Path,
    tmp_path: Path,
) -> None:
    url = copy_openbis("x213_features")
    owners = {kind: _rows(url, query) for kind, query in _DESCRIBED.items()}
    for kind, rows in owners.items():
        assert any(row.meta_data for row in rows)
        assert kind is Kind.DATA_SET or any(row.since for row in rows)
    assert any(row.since and row.has_files for row in owners[Kind.SAMPLE])

    _harvest(OpenBis(open_catalogue(url), tmp_path, "x213_features"), harvest)
    described = _described(harvest)
    for kind, rows in owners.items():
        for row in rows:
            # Its own files cannot be had now: while they wait, its time waits for them.
            since = None if row.has_files else row.since
            assert described[kind, row.perm_id] == (row.meta_data or {}, since)

    store = Path(shutil.copytree(x213_store, tmp_path / "store"))
    for archived in _rows(url, _ARCHIVED):
        folder = store / archived.share_id / archived.location
        folder.mkdir(parents=True)
        (folder / "from the archive.txt").write_text(archived.code)
    run(url, "UPDATE external_data SET status = 'AVAILABLE'")
    catalogue = open_catalogue(url, store_root=store)
    _harvest(OpenBis(catalogue, tmp_path, "x213_features"), harvest)
    described = _described(harvest)
    for kind, rows in owners.items():
        for row in rows:
            assert described[kind, row.perm_id] == (row.meta_data or {}, row.since)


def _harvest(source: OpenBis, harvest: Harvest) -> None:
    with source.served() as address:
        source.configure(harvest, address)
        done = harvest.run()
    assert done.code == 0, done.output


def _described(harvest: Harvest) -> dict[tuple[Kind, str], tuple[object, int | None]]:
    """The meta data of each entity, and since when its data are immutable, in seconds."""
    described: dict[tuple[Kind, str], tuple[object, int | None]] = {}
    for key, entity in harvest.instance.entities().items():
        since = entity.immutable_since
        described[key] = (entity.meta_data, int(since.timestamp()) if since else None)
    return described


def _rows(url: str, query: str) -> list[Any]:
    with connected_to(url) as connection, connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query.encode()).fetchall()


_ARCHIVED = """
    SELECT d.code, e.share_id, e.location FROM data_all AS d JOIN external_data AS e ON e.id = d.id
     WHERE d.afs_data AND d.del_id IS NULL AND e.status = 'ARCHIVED'
"""
_DESCRIBED = {
    Kind.EXPERIMENT: """
        SELECT perm_id, meta_data, EXISTS (
                   SELECT 1 FROM data_all AS d
                    WHERE d.code = e.perm_id AND d.afs_data AND d.del_id IS NULL
               ) AS has_files,
               floor(extract(epoch FROM immutable_data_timestamp))::bigint AS since
          FROM experiments_all AS e WHERE del_id IS NULL
    """,
    Kind.SAMPLE: """
        SELECT perm_id, meta_data, EXISTS (
                   SELECT 1 FROM data_all AS d
                    WHERE d.code = s.perm_id AND d.afs_data AND d.del_id IS NULL
               ) AS has_files,
               floor(extract(epoch FROM immutable_data_timestamp))::bigint AS since
          FROM samples_all AS s WHERE del_id IS NULL
    """,
    Kind.DATA_SET: """
        SELECT d.code AS perm_id, d.meta_data, false AS has_files, NULL AS since
          FROM data_all AS d JOIN external_data AS e ON e.id = d.id
         WHERE d.del_id IS NULL AND NOT d.afs_data AND e.storage_confirmation
    """,
}


def test_the_richest_database_arrives_with_every_file(
    examples: Examples,
    harvest: Harvest,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store: Path,
    tmp_path: Path,
) -> None:
    path_info = load_openbis(examples.path_info)
    catalogue = open_catalogue(
        load_openbis(examples.database), store_root=x192_store, path_info_url=path_info
    )
    source = OpenBis(catalogue, tmp_path, examples.database)
    with source.served() as address:
        source.configure(harvest, address)
        first = harvest.run()
        assert first.code == 0, first.output
        audit = harvest.audit()
        assert audit.code == 0
        *notes, last = audit.output.splitlines()
        assert last == "[DS1] 0 differences"
        assert all(note.startswith("[DS1] note: ") for note in notes)
    published = sorted(p.read_bytes() for p in x192_store.rglob("*") if p.is_file())
    harvested = sorted(p.read_bytes() for p in harvest.root.rglob("store/1/**/*") if p.is_file())
    assert len(harvested) == examples.files["length"]
    assert all(content in published for content in harvested)


def _counts(url: str) -> dict[Kind, int]:
    """What the database itself says, by plain SQL."""
    has_materials = counted(url, "SELECT count(to_regclass('materials'))")
    return {
        kind: counted(url, query)
        for kind, query in _COUNTS.items()
        if has_materials or kind is not Kind.MATERIAL
    }
