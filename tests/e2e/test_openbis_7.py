"""An openBIS 7, with its data store and the data of its application file service, goes through HTTP
into a harvested instance, and from there into another one; plain SQL says whether all has arrived.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from shared.model.kinds import Kind
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.e2e.test_openbis_databases import OpenBis
from tests.support.given_data import openbis_file
from tests.support.instances.harvests import Harvest
from tests.support.openbis.inventory import (
    Inventory,
    of_destination,
    of_openbis,
    plain_properties,
)

GIVEN = ("x207_features", "x213_features")
# Of the data that are there: two values, a type group, and so on.
FEWEST = {
    "values": 100,
    "meta_data": 3,
    "immutable": 2,
    "type_groups": 3,
    "multi_valued": 5,
    "patterns": 3,
    "afs": 5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A database with its store."""

    url: str
    store: Path
    catalogue: OpenBisCatalogue

    def inventory(self) -> Inventory:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = of_openbis(connection, self.store)
        engine.dispose()
        return found

    def inventory_of(self, harvest: Harvest) -> Inventory:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            plain = plain_properties(connection)
        engine.dispose()
        with harvest.instance.engine.connect() as connection:
            return of_destination(connection, harvest.root / "store", plain)


@pytest.fixture(params=GIVEN)
def given(
    request: pytest.FixtureRequest,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    tmp_path: Path,
) -> Given:
    url = load_openbis(request.param)
    store = tmp_path / "given-store"
    with tarfile.open(openbis_file("x213_store.tar.xz")) as archive:
        archive.extractall(store, filter="data")
    path_info = load_openbis("pathinfo_x213")
    catalogue = open_catalogue(url, store_root=store, path_info_url=path_info)
    return Given(url=url, store=store, catalogue=catalogue)


@pytest.fixture(params=["sqlite", "postgresql"])
def harvest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harvest]:
    """A destination on each of both databases."""
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else None
    with _destination(tmp_path / "destination", url) as harvest:
        yield harvest


@contextmanager
def _destination(root: Path, url: str | None = None) -> Iterator[Harvest]:
    harvest = Harvest(root, database_url=url)
    yield harvest
    harvest.instance.engine.dispose()


def test_all_of_it_arrives_and_is_passed_on(given: Given, harvest: Harvest, tmp_path: Path) -> None:
    expected = given.inventory()
    for name, fewest in FEWEST.items():
        assert len(getattr(expected, name)) >= fewest, name
    assert any(len(values) > 1 for values in expected.values.values())
    source = OpenBis(given.catalogue, tmp_path, "x213_features")
    with source.served() as address:
        source.configure(harvest, address)
        first = harvest.run()
        assert first.code == 0, first.output
        _agrees(given.inventory_of(harvest), expected)
        before = harvest.instance.content()
        assert "done: nothing to do" in harvest.run().output
        assert harvest.instance.content() == before
        _audits(harvest)

    harvest.instance.add_user()
    with _destination(tmp_path / "last") as last, harvest.instance.served() as middle:
        last.section("DS1", middle, deletion_allowed="true")
        made = last.command("init", "--internal-master-data", str(source.list_file()))
        assert made.code == 0, made.output
        third = last.run()
        assert third.code == 0, third.output
        _agrees(given.inventory_of(last), expected)
        assert last.instance.entities().keys() == harvest.instance.entities().keys()
        _audits(last)


def _agrees(found: Inventory, expected: Inventory) -> None:
    for name in FEWEST:
        have, want = getattr(found, name), getattr(expected, name)
        if isinstance(want, dict):
            differing = {k for k in {*have, *want} if have.get(k) != want.get(k)}
            assert {k: (have.get(k), want.get(k)) for k in differing} == {}, name
        assert have == want, name


def _audits(harvest: Harvest) -> None:
    audit = harvest.audit()
    assert audit.code == 0, audit.output
    assert audit.output.splitlines()[-1] == "[DS1] 0 differences"


def test_each_person_sees_what_plain_sql_says(given: Given) -> None:
    """Persons with roles of their own and of groups, in spaces and on the instance, expired ones,
    inactive ones and ones without a role."""
    engine = create_engine(given.url)
    with engine.connect() as connection:
        persons = connection.execute(text(_SPACES_OF_PERSONS)).all()
        samples = connection.execute(text(_SAMPLES)).all()
        afs = connection.execute(text(_AFS)).all()
    engine.dispose()
    assert len(persons) >= 20

    for user_id, spaces in persons:
        scope = given.catalogue.scope_of(user_id)
        if scope is None:
            assert not spaces, user_id
            continue
        seen = set(spaces) | {None}
        with given.catalogue.snapshot() as view:
            found = {one.perm_id for one in view.entities(Kind.SAMPLE, scope)}
            owners = {one.perm_id for one in view.entities(Kind.DATA_SET, scope) if one.is_afs}
        assert found == {perm_id for perm_id, space in samples if space in seen}, user_id
        assert owners == {perm_id for perm_id, space in afs if space in seen}, user_id


# From schema 203 on. An instance role, and no role in a project, shows all or nothing.
_SPACES_OF_PERSONS = """
SELECT p.user_id,
       array(SELECT s.code FROM spaces AS s
              WHERE coalesce(p.is_active, true)
                AND (p.expiry_timestamp IS NULL OR p.expiry_timestamp > now())
                AND EXISTS (SELECT 1 FROM role_assignments AS r
                             WHERE r.project_id IS NULL
                               AND (r.space_id = s.id OR r.space_id IS NULL)
                               AND (r.pers_id_grantee = p.id OR r.ag_id_grantee IN (
                                        SELECT g.ag_id FROM authorization_group_persons AS g
                                         WHERE g.pers_id = p.id)))) AS spaces
  FROM persons AS p WHERE p.user_id <> 'system' ORDER BY 1
"""
_SAMPLES = """
SELECT x.perm_id, s.code FROM samples_all AS x LEFT JOIN spaces AS s ON s.id = x.space_id
 WHERE x.del_id IS NULL
"""
_AFS = """
SELECT d.code, s.code FROM data_all AS d
  LEFT JOIN samples_all AS x ON x.id = d.samp_id
  LEFT JOIN experiments_all AS e ON e.id = d.expe_id AND d.samp_id IS NULL
  LEFT JOIN projects AS p ON p.id = e.proj_id
  LEFT JOIN spaces AS s ON s.id = coalesce(x.space_id, p.space_id)
 WHERE d.afs_data AND d.del_id IS NULL AND d.code = coalesce(x.perm_id, e.perm_id)
"""
