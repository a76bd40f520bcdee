"""Changes of files of an openBIS, which touch no row of its database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.model.kinds import Kind
from source_server.catalogues.openbis.catalogue import OpenBisAccess, OpenBisCatalogue
from source_server.publication.changes import Change, Happened
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.changing import changes, everything_of, listed
from tests.support.openbis.examples import MADE
from tests.support.openbis.unknown_parts import README, README_FOLDER, OpenBis
from tests.support.openbis_made.afs import CORES
from tests.support.servers.postgres import run

_README = (Kind.DATA_SET, README, False)


@pytest.fixture
def published(openbis: OpenBis, tmp_path: Path) -> OpenBisCatalogue:
    return openbis.open(
        openbis.url,
        store_root=openbis.store,
        path_info_url=openbis.path_info,
        access=OpenBisAccess(states=tmp_path / "states.db"),
    )


def test_a_folder_that_goes_away_and_comes_back(
    openbis: OpenBis, published: OpenBisCatalogue
) -> None:
    everything = everything_of(published)
    there = listed(published, everything)
    (openbis.store / README_FOLDER).rename(openbis.store / "away")
    away = listed(published, everything, since=[there])
    (openbis.store / "away").rename(openbis.store / README_FOLDER)
    back = listed(published, everything, since=[there, away])

    assert [*away.faults, *back.faults] == []
    assert _named(changes(published, there.cursor, everything)) == {_README}


def test_a_folder_that_is_away_only_while_a_list_is_read(
    openbis: OpenBis, published: OpenBisCatalogue
) -> None:
    everything = everything_of(published)
    with published.snapshot() as snapshot:
        cursor = snapshot.cursor()
        assert cursor is not None
        (openbis.store / README_FOLDER).rename(openbis.store / "away")
        list(snapshot.entities(Kind.DATA_SET, everything))
        (openbis.store / "away").rename(openbis.store / README_FOLDER)

    assert _named(changes(published, cursor, everything)) == {_README}


def test_checksums_that_are_computed_later(openbis: OpenBis, published: OpenBisCatalogue) -> None:
    everything = everything_of(published)
    before = listed(published, everything)
    run(
        openbis.path_info,
        f"""update data_set_files set checksum_crc32 = 5 where not is_directory
             and dase_id = (select id from data_sets where code = '{README}')""",  # noqa: S608
    )

    assert listed(published, everything, since=[before]).faults == []
    assert _named(changes(published, before.cursor, everything)) == {_README}


def test_files_of_the_application_file_service(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    MADE.fill_store(store)
    access = OpenBisAccess(states=tmp_path / "states.db")
    catalogue = open_catalogue(copy_openbis("made_213"), store_root=store, access=access)
    everything = everything_of(catalogue)
    before = listed(catalogue, everything)
    folder = store / CORES.share / CORES.location
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "new.txt").write_text("new")

    assert listed(catalogue, everything, since=[before]).faults == []
    assert (Kind.DATA_SET, CORES.perm_id, True) in _named(
        changes(catalogue, before.cursor, everything)
    )


def test_files_of_the_file_service(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path
) -> None:
    """Whether a mentioned file is there is not for the catalogue to say: it is named as updated."""
    service = tmp_path / "service"
    service.mkdir()
    catalogue = open_catalogue(
        copy_openbis("made_213"),
        file_service_root=service,
        access=OpenBisAccess(states=tmp_path / "states.db"),
    )
    everything = everything_of(catalogue)
    before = listed(catalogue).cursor
    (service / "hill.png").write_bytes(b"a hill")
    told = changes(catalogue, before, everything)

    assert [(each.perm_id, each.happened) for each in told if each.kind is Kind.FILE] == [
        ("hill.png", Happened.UPDATED)
    ]


def _named(told: Sequence[Change]) -> set[tuple[Kind, str, bool]]:
    return {(each.kind, str(each.perm_id), each.is_afs) for each in told}
