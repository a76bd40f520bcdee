"""A harvest of an openBIS 7 by a reader with a role in one project, which is widened to the space
and narrowed again; plain SQL says what lies in the project."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from shared.model.ids import Identifier
from source_server.catalogues.openbis.catalogue import OpenBisAccess
from source_server.publication.catalogue import Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.e2e.test_openbis_databases import OpenBis
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import files_below
from tests.support.openbis.inventory import Inventory, of_destination, of_openbis, plain_properties
from tests.support.servers.postgres import run

READER = "observer"  # has one role, in another space
PROJECT = "/CISD/NEMO"

_IN_THE_PROJECT = """
WITH one AS (SELECT p.* FROM projects AS p JOIN spaces AS s ON s.id = p.space_id
              WHERE '/' || s.code || '/' || p.code = :project),
     e AS (SELECT * FROM experiments_all
            WHERE del_id IS NULL AND proj_id = (SELECT id FROM one)),
     x AS (SELECT * FROM samples_all
            WHERE del_id IS NULL AND (proj_id = (SELECT id FROM one)
               OR expe_id IN (SELECT id FROM e) OR space_id IS NULL)),
     d AS (SELECT * FROM data_all AS d
            WHERE del_id IS NULL
              AND (expe_id IN (SELECT id FROM e) OR samp_id IN (SELECT id FROM x))
              AND NOT EXISTS (SELECT 1 FROM external_data AS f
                               WHERE f.id = d.id AND NOT f.storage_confirmation))
SELECT 'SPACE', 'CISD' UNION ALL
SELECT 'PROJECT', perm_id FROM one UNION ALL
SELECT 'EXPERIMENT', perm_id FROM e UNION ALL
SELECT 'SAMPLE', perm_id FROM x UNION ALL
SELECT 'DATA_SET', code FROM d
"""
_HIDDEN_SAMPLES = "SELECT perm_id FROM samples_all WHERE NOT perm_id = ANY (:shown)"
_TO_THE_PROJECT = f"""
UPDATE role_assignments
   SET space_id = NULL,
       project_id = (SELECT p.id FROM projects AS p JOIN spaces AS s ON s.id = p.space_id
                      WHERE '/' || s.code || '/' || p.code = '{PROJECT}')
 WHERE pers_id_grantee = (SELECT id FROM persons WHERE user_id = '{READER}')
"""  # noqa: S608
_TO_THE_SPACE = f"""
UPDATE role_assignments
   SET project_id = NULL, space_id = (SELECT id FROM spaces WHERE code = 'CISD')
 WHERE pers_id_grantee = (SELECT id FROM persons WHERE user_id = '{READER}')
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class OneProject:
    """The source, a copy of the test's own, and a destination."""

    url: str
    store: Path
    source: OpenBis
    harvest: Harvest

    def shown(self) -> set[tuple[str, str]]:
        """Kind and perm id of what lies in the project, and of what is shared."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            rows = connection.execute(text(_IN_THE_PROJECT), {"project": PROJECT}).all()
        engine.dispose()
        return {(kind, perm_id) for kind, perm_id in rows}

    def expected(self) -> Inventory:
        """What the database and its store have of these."""
        shown = self.shown()
        samples = [perm_id for kind, perm_id in shown if kind == "SAMPLE"]
        engine = create_engine(self.url)
        with engine.connect() as connection:
            whole = of_openbis(connection, self.store)
            hidden = set(connection.execute(text(_HIDDEN_SAMPLES), {"shown": samples}).scalars())
        engine.dispose()
        values = {
            key: [value for value in texts if value not in hidden]
            for key, texts in whole.values.items()
            if key[:2] in shown
        }
        return dataclasses.replace(
            whole,
            values={key: texts for key, texts in values.items() if texts},
            meta_data={key: it for key, it in whole.meta_data.items() if key in shown},
            immutable={key: it for key, it in whole.immutable.items() if key in shown},
            afs={it: files for it, files in whole.afs.items() if ("DATA_SET", it) in shown},
        )

    def arrived(self) -> Inventory:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            plain = plain_properties(connection)
        engine.dispose()
        with self.harvest.instance.engine.connect() as connection:
            return of_destination(connection, self.harvest.root / "store", plain)

    def entities(self) -> set[tuple[str, str]]:
        return {(kind.value, perm_id) for kind, perm_id in self.harvest.instance.entities()}

    def files(self) -> dict[str, object]:
        return files_below(self.harvest.root / "store")

    @contextmanager
    def served(self, deletion_allowed: str) -> Iterator[None]:
        with self.source.served() as address:
            self.source.configure(self.harvest, address, deletion_allowed)
            yield


@pytest.fixture(params=["sqlite", "postgresql"])
def one_project(
    request: pytest.FixtureRequest,
    copy_openbis: LoadOpenBis,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x213_store: Path,
    tmp_path: Path,
) -> Iterator[OneProject]:
    url = copy_openbis("x213_features")
    run(url, _TO_THE_PROJECT)
    catalogue = open_catalogue(
        url,
        store_root=x213_store,
        path_info_url=load_openbis("pathinfo_x213"),
        access=OpenBisAccess(project_level_users=".*"),
    )
    assert catalogue.scope_of(READER) == Scope(
        spaces=frozenset(), projects=frozenset({Identifier(PROJECT)})
    )
    on_postgres = request.param == "postgresql"
    database_url = request.getfixturevalue("postgres_url") if on_postgres else None
    harvest = Harvest(tmp_path / "destination", database_url=database_url)
    source = OpenBis(catalogue, tmp_path, "x213_features", READER)
    yield OneProject(url=url, store=x213_store, source=source, harvest=harvest)
    harvest.instance.engine.dispose()


def test_all_of_the_project_arrives_and_nothing_else(one_project: OneProject) -> None:
    expected = one_project.expected()
    assert len(expected.afs) >= 5
    with one_project.served("true"):
        first = one_project.harvest.run()
        assert first.code == 0, first.output
        assert one_project.entities() == one_project.shown()
        found = one_project.arrived()
        assert found.values == expected.values
        assert found.meta_data == expected.meta_data
        assert found.immutable == expected.immutable
        assert found.afs == expected.afs

        before = one_project.harvest.instance.content()
        assert "done: nothing to do" in one_project.harvest.run().output
        assert one_project.harvest.instance.content() == before
        audit = one_project.harvest.audit()
        assert audit.code == 0, audit.output
        assert audit.output.splitlines()[-1] == "[DS1] 0 differences"


@pytest.mark.parametrize(("deletion_allowed", "code"), [("true", 8), ("false", 0)])
def test_nothing_is_lost_when_the_role_is_widened_and_narrowed_again(
    one_project: OneProject, deletion_allowed: str, code: int
) -> None:
    with one_project.served(deletion_allowed):
        assert one_project.harvest.run().code == 0
        of_the_project = one_project.entities()
        run(one_project.url, _TO_THE_SPACE)
        wide = one_project.harvest.run()
        assert wide.code == 0, wide.output
        kept, files = one_project.entities(), one_project.files()
        assert len(kept) > 2 * len(of_the_project)
        assert of_the_project < kept
        one_project.harvest.agrees()

        run(one_project.url, _TO_THE_PROJECT)
        narrow = one_project.harvest.run()
        assert narrow.code == code, narrow.output
        assert one_project.entities() == kept
        assert one_project.files() == files

        run(one_project.url, _TO_THE_SPACE)
        again = one_project.harvest.run()
        assert again.code == 0, again.output
        assert one_project.entities() == kept
        assert one_project.files() == files
        one_project.harvest.agrees()
