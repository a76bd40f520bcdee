"""An openBIS with several data stores: each has its folder and its path-info database."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.errors import NotNowError
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind
from shared.model.unknown import Reason
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.unseen import log_unseen
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import GIVEN
from tests.support.openbis.reading import ALL_SPACES, entities
from tests.support.openbis.unknown_parts import data_set, files_are, paths, set_status
from tests.support.servers.postgres import run

pytestmark = pytest.mark.parametrize("examples", ["given"], indirect=True)
README = GIVEN.readme
ON_DSS2 = [README, "20081105092159222-2", "20110805092359990-17"]
FILE = "original/readme.txt"


@dataclass(frozen=True, slots=True)
class TwoStores:
    """Three data sets lie in the data store DSS2; in its folder, and known to its path info."""

    url: str
    first: tuple[Path, str]
    second: tuple[Path, str]
    open: OpenCatalogue

    def catalogue(self, **others: tuple[Path, str | None]) -> OpenBisCatalogue:
        root, path_info = self.first
        return self.open(self.url, store_root=root, path_info_url=path_info, others=others)


@pytest.fixture
def stores(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, x192_store_copy: Path, tmp_path: Path
) -> TwoStores:
    url, first, second = map(copy_openbis, ("x192_features", "pathinfo_x192", "pathinfo_x192"))
    codes = ", ".join(f"'{code}'" for code in ON_DSS2)
    run(
        url,
        """insert into data_stores (id, code, download_url, registration_timestamp, remote_url,
               session_token, modification_timestamp, is_archiver_configured, uuid)
           select 2, 'DSS2', '', now(), '', '', now(), false, uuid from data_stores""",
        "update data_all set dast_id = 2 where code in (<codes>)".replace("<codes>", codes),
    )
    _forget(first, "in", codes)
    _forget(second, "not in", codes)
    other = tmp_path / "dss2"
    for code in ON_DSS2:
        (folder,) = x192_store_copy.glob(f"1/*/*/*/*/{code}")
        target = other / folder.relative_to(x192_store_copy)
        target.parent.mkdir(parents=True)
        folder.rename(target)
    return TwoStores(url, (x192_store_copy, first), (other, second), open_catalogue)


def _forget(path_info: str, which: str, codes: str) -> None:
    """Path info forgets these data sets, or all others."""
    run(
        path_info,
        "delete from data_sets where code <which>".replace("<which>", f"{which} ({codes})"),
        "delete from data_set_files where dase_id not in (select id from data_sets)",
    )


def physical(catalogue: OpenBisCatalogue) -> dict[str, object]:
    return {
        code: (each.files, each.unknown)
        for code, each in entities(catalogue, Kind.DATA_SET).items()
        if each.data_set_kind is DataSetKind.PHYSICAL
    }


def test_all_files_of_both_are_listed_and_served(stores: TwoStores, x192: OpenBisCatalogue) -> None:
    catalogue = stores.catalogue(DSS2=stores.second)

    assert physical(catalogue) == physical(x192)
    assert catalogue.data_set_file(Code(README), FILE, ALL_SPACES) is not None
    assert catalogue.unseen() == {}


def test_one_folder_stands_for_both_by_default(stores: TwoStores, x192: OpenBisCatalogue) -> None:
    """Path info knows those of the other store no less than before: they are walked."""
    shutil.copytree(stores.second[0], stores.first[0], dirs_exist_ok=True)
    found = entities(stores.catalogue(), Kind.DATA_SET)

    for code, each in entities(x192, Kind.DATA_SET).items():
        assert [n.path for n in found[code].files] == [n.path for n in each.files]
        assert found[code].unknown == each.unknown


def test_a_data_store_that_is_not_configured_is_named(
    stores: TwoStores, x192: OpenBisCatalogue
) -> None:
    found, whole = entities(stores.catalogue(), Kind.DATA_SET), entities(x192, Kind.DATA_SET)

    for code in ON_DSS2:
        assert found[code].files == ()
        assert found[code].unknown == files_are(Reason.NOT_MOUNTED, "data store DSS2")
    others = whole.keys() - ON_DSS2
    assert {c: found[c].files for c in others} == {c: whole[c].files for c in others}
    with pytest.raises(NotNowError):
        stores.catalogue().data_set_file(Code(README), FILE, ALL_SPACES)


@pytest.mark.parametrize("blind", [["STANDARD"], ["DSS2"], ["STANDARD", "DSS2"]])
def test_each_may_be_away_alone(
    stores: TwoStores, blind: Sequence[str], caplog: pytest.LogCaptureFixture
) -> None:
    places = {"STANDARD": stores.first, "DSS2": stores.second}
    for code in blind:
        shutil.rmtree(places[code][0])
    catalogue = stores.catalogue(DSS2=stores.second)
    found = entities(catalogue, Kind.DATA_SET)
    for code in (README, "20081105092259900-0"):
        store = "DSS2" if code in ON_DSS2 else "STANDARD"
        away = files_are(Reason.NOT_MOUNTED, f"data store {store}")
        assert len(found[code].files) == 4  # path info knows them all
        assert found[code].unknown == (away if store in blind else ())

    counts = {"STANDARD": 21, "DSS2": 3}
    expected = {f"not-mounted, data store {c}: {places[c][0]}": counts[c] for c in blind}
    assert catalogue.unseen() == expected
    with caplog.at_level(logging.WARNING):
        log_unseen(catalogue)
    assert len(caplog.messages) == 1
    total = sum(counts[c] for c in blind)
    assert f"the files of {total} data sets cannot be read: " in caplog.messages[0]


def test_a_data_store_without_path_info_is_walked(stores: TwoStores) -> None:
    root, _ = stores.second
    catalogue = stores.catalogue(DSS2=(root, None))

    files = data_set(catalogue, README).files
    assert len(files) == 4
    assert {node.crc32 for node in files} == {None}
    assert {node.crc32 for node in data_set(catalogue, "20081105092259900-0").files} != {None}


def test_archived_data_sets_are_counted_when_the_server_starts(stores: TwoStores) -> None:
    for code in ON_DSS2[:2]:
        set_status(stores.url, "ARCHIVED", code)
    catalogue = stores.catalogue(DSS2=stores.second)

    assert catalogue.unseen() == {"archived": 2}
    assert paths(catalogue, README) != []
