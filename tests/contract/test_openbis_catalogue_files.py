"""The files of data sets: which are listed, with which length and checksums."""

from __future__ import annotations

import zlib
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.model.entities import FileNode
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind
from shared.model.unknown import Reason, Unknown
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.catalogues.openbis.connect import connected, reading_engine
from source_server.catalogues.openbis.data_store import OpenBisDataStore
from source_server.catalogues.openbis.files import FileLists, Place
from source_server.catalogues.openbis.opening import files_query_of
from source_server.catalogues.openbis.path_info import PathInfo
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import Examples
from tests.support.openbis.reading import entities
from tests.support.openbis.unknown_parts import note
from tests.support.servers.postgres import counted, run


def unknown(catalogue: OpenBisCatalogue, examples: Examples) -> tuple[Unknown, ...]:
    return entities(catalogue, Kind.DATA_SET)[examples.readme].unknown


def listed(catalogue: OpenBisCatalogue, examples: Examples) -> dict[str, FileNode]:
    return {node.path: node for node in entities(catalogue, Kind.DATA_SET)[examples.readme].files}


def test_every_listed_file_can_be_downloaded_with_its_length_and_checksums(
    examples: Examples,
    x192: OpenBisCatalogue,
) -> None:
    checked = {"crc32": 0, "checksum": 0, "length": 0}
    for data_set in entities(x192, Kind.DATA_SET).values():
        for node in data_set.files:
            content = x192.data_set_file(data_set.code, node.path, examples.everything)
            assert content is not None
            assert content.path is not None
            data = content.path.read_bytes()
            assert len(data) == node.length == content.length
            checked["length"] += 1
            if node.crc32 is not None:
                assert zlib.crc32(data) == node.crc32
                checked["crc32"] += 1
            if node.checksum is not None:
                assert f"SHA256:{sha256(data).hexdigest()}" == node.checksum
                checked["checksum"] += 1

    assert checked == examples.files


def test_all_files_of_path_info_are_listed_but_those_of_a_hidden_data_set(
    examples: Examples, x192: OpenBisCatalogue, load_openbis: LoadOpenBis
) -> None:
    found = entities(x192, Kind.DATA_SET)
    files = """select count(*) from data_set_files f join data_sets d on d.id = f.dase_id
                where not f.is_directory and d.code <> '<hidden>'"""

    assert examples.hidden not in found
    assert sum(len(each.files) for each in found.values()) == counted(
        load_openbis(examples.path_info), files.replace("<hidden>", examples.hidden)
    )
    for data_set in found.values():
        paths = [node.path.encode() for node in data_set.files]
        assert paths == sorted(set(paths))
        assert data_set.data_set_kind is DataSetKind.PHYSICAL or not paths


def test_a_negative_crc_is_read_as_unsigned(examples: Examples, x192: OpenBisCatalogue) -> None:
    node = listed(x192, examples)[examples.checked.path]

    assert examples.checked.signed_crc32 < 0
    assert node.crc32 == 2**32 + examples.checked.signed_crc32
    assert node.length == examples.checked.length
    assert str(node.checksum).startswith(examples.checked.checksum)


def test_without_path_info_the_data_store_is_walked(
    examples: Examples,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store: Path,
    x192: OpenBisCatalogue,
) -> None:
    walked = entities(
        open_catalogue(load_openbis(examples.database), store_root=x192_store), Kind.DATA_SET
    )

    for code, data_set in entities(x192, Kind.DATA_SET).items():
        plain = tuple(FileNode(path=node.path, length=node.length) for node in data_set.files)
        assert walked[code].files == plain


def test_a_data_set_that_path_info_does_not_know_yet_is_walked(
    examples: Examples,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store_copy: Path,
) -> None:
    folder = x192_store_copy / examples.unfed_location / "original"
    folder.mkdir(parents=True)
    (folder / "new.txt").write_bytes(b"new")
    catalogue = open_catalogue(
        load_openbis(examples.database),
        store_root=x192_store_copy,
        path_info_url=load_openbis(examples.path_info),
    )

    assert entities(catalogue, Kind.DATA_SET)[examples.unfed].files == (
        FileNode(path="original/new.txt", length=3),
    )


def test_an_archived_data_set_is_listed_from_path_info_but_not_walked(
    examples: Examples,
    copy_openbis: LoadOpenBis,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store: Path,
) -> None:
    url = copy_openbis(examples.database)
    run(url, "update external_data set status = 'ARCHIVED'")
    noted = open_catalogue(
        url, store_root=x192_store, path_info_url=load_openbis(examples.path_info)
    )
    unnoted = open_catalogue(url, store_root=x192_store)

    assert len(listed(noted, examples)) == 4
    assert listed(unnoted, examples) == {}


@pytest.mark.parametrize("status", ["AVAILABLE", "LOCKED", "BACKUP_PENDING"])
def test_files_are_there_in_every_state_in_which_openbis_has_them(
    examples: Examples,
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store: Path,
    status: str,
) -> None:
    url = copy_openbis(examples.database)
    run(url, "update external_data set status = '<status>'".replace("<status>", status))
    catalogue = open_catalogue(url, store_root=x192_store)

    assert len(listed(catalogue, examples)) == 4
    assert (
        catalogue.data_set_file(Code(examples.readme), "original/readme.txt", examples.everything)
        is not None
    )


def test_a_path_info_database_before_009_has_no_checksums_but_crcs(
    examples: Examples,
    copy_openbis: LoadOpenBis,
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store: Path,
) -> None:
    path_info = copy_openbis(examples.path_info)
    run(path_info, "alter table data_set_files drop column checksum")
    catalogue = open_catalogue(
        load_openbis(examples.database), store_root=x192_store, path_info_url=path_info
    )

    assert {node.checksum for node in listed(catalogue, examples).values()} == {None}
    assert None not in {node.crc32 for node in listed(catalogue, examples).values()}


@pytest.mark.parametrize("crc32", ["-5", "null"])
def test_an_hdf5_container_is_listed_as_the_file_it_is(
    examples: Examples,
    load_openbis: LoadOpenBis,
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    x192_store_copy: Path,
    crc32: str,
) -> None:
    """openBIS shows it as a folder, with a CRC if it computes them; ``.h5`` may be a folder too."""
    path_info = copy_openbis(examples.path_info)
    note(path_info, "original/plate.h5ar", is_directory=True, crc32=crc32, code=examples.readme)
    note(path_info, "original/plate.h5ar.txt", code=examples.readme)
    note(path_info, "original/plate.h5ar/well", is_directory=True, code=examples.readme)
    note(path_info, "original/plate.h5ar/well/1", code=examples.readme)
    note(path_info, "original/folder.h5", is_directory=True, code=examples.readme)
    note(path_info, "original/folder.h5/plain.txt", code=examples.readme)
    (x192_store_copy / examples.location / "original/plate.h5ar").write_bytes(b"container")
    (x192_store_copy / examples.location / "original/folder.h5").mkdir()
    catalogue = open_catalogue(
        load_openbis(examples.database), store_root=x192_store_copy, path_info_url=path_info
    )

    nodes = listed(catalogue, examples)

    assert {path for path in nodes if "h5" in path} == {
        *("original/plate.h5ar", "original/plate.h5ar.txt"),
        "original/folder.h5/plain.txt",
    }
    assert unknown(catalogue, examples) == ()
    container = nodes["original/plate.h5ar"]
    assert container.length == len(b"container")
    assert container.crc32 == (2**32 - 5 if crc32 == "-5" else None)
    inner = catalogue.data_set_file(
        Code(examples.readme), "original/plate.h5ar/well/1", examples.everything
    )
    assert inner is None
    whole = catalogue.data_set_file(
        Code(examples.readme), "original/plate.h5ar", examples.everything
    )
    assert whole is not None


def test_a_real_path_info_database_is_read_whole(load_openbis: LoadOpenBis, tmp_path: Path) -> None:
    """14,197 nodes of 39 data sets, two HDF5 containers among them; no openBIS goes with it."""
    url = load_openbis("pathinfo_sync_big_data_source")
    engine = reading_engine(url)
    with connected(engine) as connection:
        rows = connection.execute(
            text("""select code, 'PHYSICAL' as data_set_kind, '1' as share_id, location, 0 as size,
                           'AVAILABLE' as status, 'DSS1' as data_store
                      from data_sets order by code collate "C" """)
        ).all()
        path_info = PathInfo(engine=engine, query=files_query_of(connection))
    place = Place(store=OpenBisDataStore(tmp_path), path_info=path_info)
    lists = dict(zip((row.code for row in rows), FileLists(place).of_page(rows), strict=True))
    engine.dispose()

    inside = """select count(*) from data_set_files where not is_directory
                   and relative_path like 'thumbnails%.h5ar/%'"""
    files = counted(url, "select count(*) from data_set_files where not is_directory")
    found = [node for listed in lists.values() for node in listed.files]
    assert len(lists) == 39
    assert len(found) == files - counted(url, inside)
    assert all(node.crc32 is None or 0 <= node.crc32 < 2**32 for node in found)
    marks = {mark for listed in lists.values() for mark in listed.unknown}
    assert {mark.detail for mark in marks} == {
        "data store DSS1",  # all say that the folder is missing, two name what is not known then
        "data store DSS1; 1 file not known to be a file or a folder: 'thumbnails.h5ar'",
        "data store DSS1; 1 file not known to be a file or a folder: 'thumbnails_512x512.h5ar'",
    }
    assert {mark.reason for mark in marks} == {Reason.NOT_MOUNTED}
