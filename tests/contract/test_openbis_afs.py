"""Files of experiments and samples in the application file service are data sets among others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from shared.model.entities import Entity, FileNode
from shared.model.ids import Code, Identifier, PermId
from shared.model.kinds import DataSetKind, Kind
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue, open_openbis
from source_server.publication.catalogue import Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.reading import entities
from tests.support.openbis_made import afs, world
from tests.support.servers.postgres import connected_to, run

MADE = ("made_197", "made_198", "made_202", "made_207", "made_213")
SHARED_OBJECT = "20260203050607891-7104"
OF_OLD_COLLECTION = "200811050940555-1032"


def afs_data(catalogue: OpenBisCatalogue, *spaces: str) -> dict[str, Entity]:
    return {k: e for k, e in entities(catalogue, Kind.DATA_SET, *spaces).items() if e.is_afs}


@pytest.fixture(scope="module", params=["x207_features", "x213_features"])
def given_afs(
    request: pytest.FixtureRequest, load_openbis: LoadOpenBis, x213_store: Path
) -> Iterator[OpenBisCatalogue]:
    catalogue = open_openbis(
        load_openbis(request.param),
        store_root=x213_store,
        path_info_url=load_openbis("pathinfo_x213"),
    )
    yield catalogue
    catalogue.close()


@pytest.fixture
def made_store(tmp_path: Path) -> Path:
    afs.write_afs_store(tmp_path / "store")
    return tmp_path / "store"


ROWS = """
select d.code, t.code, f.share_id, f.location, f.status, r.user_id,
       coalesce(x.code, e.code), x.space_id is null, d.registration_timestamp
  from data_all d
  join data_set_types t on t.id = d.dsty_id
  join external_data f on f.id = d.id
  join persons r on r.id = d.pers_id_registerer
  left join samples_all x on x.id = d.samp_id and x.perm_id = d.code
  left join experiments_all e on e.id = d.expe_id and e.perm_id = d.code
 where d.afs_data and d.del_id is null
"""


def _walked(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Contents by path, and the empty folders, by a walk of the test's own."""
    files, empty = {}, []
    for place, folders, names in os.walk(folder):
        within = Path(place).relative_to(folder)
        folders[:] = [
            name
            for name in folders
            if name != ".afs" and not (within == Path() and name.startswith(".afs-sync-backup-"))
        ]
        for name in names:
            files[(within / name).as_posix()] = Path(place, name).read_bytes()
        if not folders and not names and within != Path():
            empty.append(within.as_posix())
    return files, sorted(empty)


def test_the_given_ones_are_those_of_the_database_with_the_files_of_their_folders(
    given_afs: OpenBisCatalogue, x213_store: Path
) -> None:
    found = afs_data(given_afs)
    with connected_to(given_afs._engine.url.render_as_string(hide_password=False)) as connection:
        rows = connection.execute(ROWS.encode()).fetchall()

    assert sorted(found) == sorted(row[0] for row in rows)
    assert len(rows) == 10
    for code, type_code, share, location, status, registrator, owner, _, registered in rows:
        entity = found[code]
        assert (entity.kind, entity.perm_id, entity.code) == (Kind.DATA_SET, code, code)
        assert (entity.type, entity.data_set_kind) == (type_code, DataSetKind.PHYSICAL)
        assert entity.registrator == registrator
        assert entity.registered == registered.astimezone(UTC).replace(microsecond=0)
        assert str(entity.sample or entity.experiment).endswith(f"/{owner}")
        folder = x213_store / share / location
        if status != "AVAILABLE" or not folder.is_dir():
            continue
        files, empty = _walked(folder)
        assert {node.path: node.length for node in entity.files} == {
            path: len(content) for path, content in files.items()
        }
        assert list(entity.empty_folders) == empty
        assert entity.unknown == ()
        for node in entity.files:
            status_of_file = (folder / node.path).stat()
            assert node.modified == datetime.fromtimestamp(int(status_of_file.st_mtime), UTC)
            digest = md5(files[node.path], usedforsecurity=False).hexdigest()
            assert node.checksum in {None, f"MD5:{digest}"}


def test_the_given_cases_are_told_apart(given_afs: OpenBisCatalogue) -> None:
    found = afs_data(given_afs)

    def marks(code: str) -> list[tuple[Part, Reason, str | None]]:
        return [(mark.part, mark.reason, mark.detail) for mark in found[code].unknown]

    opened = found["20260203050607891-7001"]
    assert [node.path for node in opened.files] == [
        ".afs.snapshots/notes.txt/1",
        ".afs.trash/old notes.txt",
        ".hidden of the user",
        "notes.txt",
        "sub folder/data 100%.csv",
        "sub folder/deep/er/empty.dat",
        "sub folder/h\u00f6he_\u03bc.txt",
    ]
    assert opened.empty_folders == ("empty folder",)
    checked = {node.path: node.checksum for node in opened.files if node.checksum}
    assert checked == {
        "notes.txt": "MD5:673d415f62fd3e270007991ba003aa0f",
        "sub folder/data 100%.csv": "MD5:5bdbb6e3e9f1873bc57aec2932291506",
    }
    assert opened.type == "AFS_DATA"
    # an archived object is listed as far as path info knows it
    archived = marks("20260203050607891-7107")
    assert archived == [(Part.FILES, Reason.ARCHIVED, None)]
    # a row without a folder
    nothing = found["20260203050607891-7108"]
    assert nothing.files == ()
    assert marks(nothing.code) == [(Part.FILES, Reason.NOT_MOUNTED, "data store AFS")]
    # in the trash, and a folder without a row
    assert found.keys().isdisjoint({"20260203050607891-7003", "20260203050607891-9999"})
    # the object of a collection names both; an object alone, one of a project, a shared one
    assert found["20260203050607891-7101"].experiment is not None
    assert str(found["20260203050607891-7102"].sample) == "/CISD/X7-ALONE"
    assert str(found["20260203050607891-7103"].sample) == "/CISD/NEMO/X7-SEALED"
    assert str(found[SHARED_OBJECT].sample) == "/X7-SHARED"
    assert [node.path for node in found["20260203050607891-7102"].files] == ["in share two.txt"]
    assert found["20260203050607891-7101"].empty_folders == ("only a folder",)


def test_an_old_collection_keeps_its_ordinary_data_sets(given_afs: OpenBisCatalogue) -> None:
    everything = entities(given_afs, Kind.DATA_SET)
    place = everything[OF_OLD_COLLECTION].experiment

    assert place is not None
    assert sum(each.experiment == place and not each.is_afs for each in everything.values()) > 0
    assert everything[OF_OLD_COLLECTION].is_afs


def test_they_stand_among_the_data_sets_by_perm_id_in_byte_order(
    given_afs: OpenBisCatalogue,
) -> None:
    perm_ids = list(entities(given_afs, Kind.DATA_SET))
    places = [perm_ids.index(each) for each in afs_data(given_afs)]

    assert perm_ids == sorted(perm_ids, key=str.encode)
    assert len(set(perm_ids)) == len(perm_ids)
    assert places[-1] - places[0] >= len(places)  # ordinary ones stand between them


@pytest.mark.parametrize(
    ("spaces", "hidden"),
    [
        (("CISD",), {"20260203050607891-7004", "20260203050607891-7108"}),
        (("TEST-SPACE",), None),
        ((), None),
    ],
)
def test_who_sees_the_owner_sees_the_data(
    given_afs: OpenBisCatalogue, spaces: tuple[str, ...], hidden: set[str] | None
) -> None:
    with given_afs.snapshot() as view:
        scope = Scope(spaces=frozenset(map(Code, spaces)))
        owners = {
            each.perm_id
            for kind in (Kind.EXPERIMENT, Kind.SAMPLE)
            for each in view.entities(kind, scope)
        }
        found = {each.perm_id for each in view.entities(Kind.DATA_SET, scope) if each.is_afs}

    assert found == {each for each in afs_data(given_afs) if each in owners}
    assert SHARED_OBJECT in found
    assert found.isdisjoint(hidden or set())
    if not spaces:
        assert found == {SHARED_OBJECT}


def test_a_project_shows_the_data_of_its_owners(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path
) -> None:
    catalogue = open_catalogue(load_openbis("made_213"), store_root=made_store)
    with catalogue.snapshot() as view:
        scope = Scope(projects=frozenset([Identifier("/ALPS/DEFAULT")]))
        found = [each.code for each in view.entities(Kind.DATA_SET, scope) if each.is_afs]

    assert found == [afs.SEALED.perm_id, afs.SHARED.perm_id]


@pytest.mark.parametrize("database", MADE)
def test_every_schema_with_such_data_shows_it(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path, database: str
) -> None:
    found = afs_data(open_catalogue(load_openbis(database), store_root=made_store))

    assert tuple(found) == afs.LISTED
    for owner in afs.OWNERS:
        if owner.gone or owner.status != "AVAILABLE" or owner not in afs.CONTENT:
            continue
        entity = found[owner.perm_id]
        assert {node.path: node.length for node in entity.files} == {
            path: len(content) for path, content in afs.CONTENT[owner].items()
        }
        assert entity.unknown == ()
        assert entity.empty_folders == (afs.EMPTY_FOLDERS if owner is afs.CORES else ())
    cores = found[afs.CORES.perm_id]
    assert (cores.experiment, cores.sample) == ("/ALPS/GLACIER/CORES", None)
    assert str(found[afs.WELL.perm_id].sample) == "/ALPS/LAYOUT:A01"


def test_a_sample_names_its_experiment_as_for_ordinary_data_sets(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path
) -> None:
    everything = entities(
        open_catalogue(load_openbis("made_213"), store_root=made_store), Kind.DATA_SET
    )
    ordinary, ours = everything[world.OF_SAMPLE], everything[afs.OF_EXPERIMENT.perm_id]

    assert ours.sample == "/ALPS/WIND-1"
    assert (ours.experiment, ours.sample) == (ordinary.experiment, ordinary.sample)


def test_an_experiment_that_is_not_shown_is_not_named(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path
) -> None:
    url = copy_openbis("made_213")
    run(
        url,
        "update samples_all set proj_id = (select id from projects where code = 'DEFAULT')"
        " where code = 'WIND-1'",
    )
    with open_catalogue(url, store_root=made_store).snapshot() as view:
        scope = Scope(projects=frozenset([Identifier("/ALPS/DEFAULT")]))
        found = {each.code: each for each in view.entities(Kind.DATA_SET, scope)}

    of_wind = found[Code(afs.OF_EXPERIMENT.perm_id)]
    assert (of_wind.experiment, of_wind.sample) == (None, "/ALPS/DEFAULT/WIND-1")
    assert [node.path for node in of_wind.files] == ["wind.txt"]
    mark = Unknown(part=Part.CONNECTIONS, reason=Reason.OUT_OF_SCOPE, detail="the experiment")
    assert of_wind.unknown == (mark,)


@pytest.mark.parametrize("database", ["made_192", "made_196"])
def test_older_schemas_have_none_and_are_not_asked(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path, database: str
) -> None:
    catalogue = open_catalogue(load_openbis(database), store_root=made_store)
    asked: list[str] = []
    event.listen(catalogue._engine, "before_cursor_execute", lambda *a: asked.append(a[2]))

    assert afs_data(catalogue) == {}
    assert catalogue.data_set_file(Code(afs.CORES.perm_id), "notes.txt", Scope()) is None
    assert catalogue.unseen() != {}
    assert not any("afs_data" in query for query in asked)


def test_one_query_gives_all_owners_and_path_info_is_asked_once_a_page(
    given_afs: OpenBisCatalogue,
) -> None:
    asked: list[str] = []
    path_info = given_afs._file_lists.places()[None].path_info
    assert path_info is not None
    noted: list[Any] = []
    listeners = [
        (given_afs._engine, lambda *a: asked.append(a[2])),
        (path_info.engine, lambda *a: noted.append(a[2])),
    ]
    for engine, listener in listeners:
        event.listen(engine, "before_cursor_execute", listener)
    afs_data(given_afs)
    for engine, listener in listeners:
        event.remove(engine, "before_cursor_execute", listener)

    assert sum("afs_data" in query for query in asked) == 1
    assert sum("f.last_modified" in query for query in noted) == 1


def test_a_row_that_names_another_owner_is_not_shown(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path
) -> None:
    url = copy_openbis("made_213")
    run(url, f"update data_all set code = 'OTHER' where code = '{afs.WELL.perm_id}'")  # noqa: S608

    found = afs_data(open_catalogue(url, store_root=made_store))
    assert "OTHER" not in found
    assert len(found) == len(afs.LISTED) - 1


def test_the_type_is_that_of_the_database(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path
) -> None:
    url = copy_openbis("made_197")
    run(url, "update data_set_types set code = 'UNKNOWN' where code = 'AFS_DATA'")

    found = afs_data(open_catalogue(url, store_root=made_store))
    assert {each.type for each in found.values()} == {"UNKNOWN"}


def test_a_sample_does_not_name_its_own_files_among_its_data_sets(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path
) -> None:
    catalogue = open_catalogue(load_openbis("made_213"), store_root=made_store)
    with catalogue.snapshot() as view:
        everything = Scope(spaces=frozenset(view.space_codes()))
        asked = [PermId(owner.perm_id) for owner in afs.OWNERS]
        found = view.data_set_connections(asked, everything)

    assert found[PermId(afs.OF_EXPERIMENT.perm_id)] == [world.OF_SAMPLE]
    assert not any(owner.perm_id in codes for owner in afs.OWNERS for codes in found.values())


def test_the_unseen_ones_are_counted(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path
) -> None:
    older = open_catalogue(load_openbis("made_196"), store_root=made_store).unseen()
    seen = open_catalogue(load_openbis("made_213"), store_root=made_store).unseen()

    assert seen - older == {Reason.ARCHIVED: 1}
    shutil.rmtree(made_store)
    blind = open_catalogue(load_openbis("made_213"), store_root=made_store).unseen()
    assert blind[f"not-mounted, data store AFS: {made_store}"] == len(afs.LISTED) - 1


def test_the_place_of_the_service_may_be_another(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, made_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    catalogue = open_catalogue(
        load_openbis("made_213"),
        store_root=tmp_path / "empty",
        others={afs.STORE: (made_store, None)},
    )

    notes = afs_data(catalogue)[afs.CORES.perm_id].files[-2]
    assert (notes.path, notes.length) == ("notes.txt", len(afs.NOTES))
    assert isinstance(notes, FileNode)
    assert notes.modified is not None
