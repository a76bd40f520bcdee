"""Where the files of data sets lie, and what in there is not one of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shared.model.entities import FileNode
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.catalogues.openbis.data_store import OpenBisDataStore
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import Examples
from tests.support.openbis.reading import entities
from tests.support.servers.postgres import run


def listed(catalogue: OpenBisCatalogue, examples: Examples) -> dict[str, FileNode]:
    return {node.path: node for node in entities(catalogue, Kind.DATA_SET)[examples.readme].files}


def test_links_that_lead_out_of_a_data_set_are_not_listed(
    examples: Examples,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store_copy: Path,
) -> None:
    original = x192_store_copy / examples.location / "original"
    outside = x192_store_copy / "secret.txt"
    outside.write_text("secret")
    (original / "out.txt").symlink_to(outside)
    (original / "gone.txt").symlink_to(original / "nowhere")
    (original / "again.txt").symlink_to("readme.txt")
    catalogue = open_catalogue(load_openbis(examples.database), store_root=x192_store_copy)

    nodes = listed(catalogue, examples)

    assert nodes.keys().isdisjoint({"original/out.txt", "original/gone.txt"})
    assert nodes["original/again.txt"].length == nodes["original/readme.txt"].length
    assert entities(catalogue, Kind.DATA_SET)[examples.readme].unknown == (
        Unknown(
            part=Part.FILES,
            reason=Reason.UNREADABLE,
            detail="2 files cannot be read: 'original/gone.txt', 'original/out.txt'",
        ),
    )


def test_a_file_whose_name_xml_cannot_carry_is_left_out_and_named(
    examples: Examples,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store_copy: Path,
) -> None:
    original = x192_store_copy / examples.location / "original"
    (original / "bell\x07.txt").write_text("ding")
    (original / b"latin-\xe4.txt".decode("utf-8", "surrogateescape")).write_text("ae")
    catalogue = open_catalogue(load_openbis(examples.database), store_root=x192_store_copy)

    assert len(listed(catalogue, examples)) == 4
    assert entities(catalogue, Kind.DATA_SET)[examples.readme].unknown == (
        Unknown(
            part=Part.FILES,
            reason=Reason.BAD_NAME,
            detail="2 files cannot be listed: 'original/bell\\x07.txt', "
            "'original/latin-\\udce4.txt'",
        ),
    )


def test_a_share_may_be_a_link_and_may_have_changed(
    examples: Examples,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store_copy: Path,
    tmp_path: Path,
) -> None:
    """The database says share 1; the data sets now lie in share 7, on another disk."""
    shutil.move(x192_store_copy / "1", tmp_path / "disk")
    (x192_store_copy / "7").symlink_to(tmp_path / "disk")
    (x192_store_copy / "1").mkdir()
    (x192_store_copy / "share.properties").write_text("speed = 50")
    catalogue = open_catalogue(load_openbis(examples.database), store_root=x192_store_copy)

    assert len(listed(catalogue, examples)) == 4
    assert (
        catalogue.data_set_file(Code(examples.readme), "original/readme.txt", examples.everything)
        is not None
    )


def test_a_location_may_have_been_written_on_windows(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, x192_store: Path
) -> None:
    url = copy_openbis(examples.database)
    run(url, r"update external_data set location = replace(location, '/', '\')")

    assert len(listed(open_catalogue(url, store_root=x192_store), examples)) == 4


@pytest.mark.parametrize("location", ["../../x", "a/../../x", "..", "", "/etc", "a//b", "."])
def test_a_location_outside_of_the_data_store_is_no_folder(tmp_path: Path, location: str) -> None:
    store = tmp_path / "store"
    (store / "1").mkdir(parents=True)
    (tmp_path / "x").mkdir()

    assert OpenBisDataStore(store).folder("1", location) is None
    assert OpenBisDataStore(store).folder("..", "x") is None
    assert OpenBisDataStore(store).folder("1/..", "1") is None
