"""HDF5 containers: listed as the files they are, whatever openBIS notes of what is in them."""

from __future__ import annotations

import shutil

import pytest

from shared.model.unknown import Reason
from tests.support.openbis.unknown_parts import (
    FILES,
    STANDARD,
    OpenBis,
    data_set,
    files_are,
    note,
    paths,
    set_size,
    set_status,
)


@pytest.mark.parametrize("crc32", ["-5", "null"])
@pytest.mark.parametrize("archived", [True, False])
def test_an_hdf5_container_never_turns_into_its_inner_files(
    openbis: OpenBis, crc32: str, *, archived: bool
) -> None:
    """Neither when the data set is archived, nor when its share is away."""
    note(openbis.path_info, "original/plate.h5", is_directory=True, crc32=crc32)
    note(openbis.path_info, "original/plate.h5.txt")
    note(openbis.path_info, "original/plate.h5/1", crc32="null")
    (openbis.folder / "original/plate.h5").write_bytes(b"container")
    before = data_set(openbis.with_path_info())
    if archived:
        set_status(openbis.url, "ARCHIVED")
    shutil.rmtree(openbis.folder)
    after = data_set(openbis.with_path_info())

    assert [(node.path, node.length) for node in before.files if "h5" in node.path] == [
        ("original/plate.h5", len(b"container")),
        ("original/plate.h5.txt", 7),
    ]
    assert before.unknown == ()
    assert set(before.files) - set(after.files) == {
        node for node in before.files if node.path == "original/plate.h5"
    }
    assert set(after.files) < set(before.files)
    told = "1 file not known to be a file or a folder: 'original/plate.h5'"
    if archived:
        assert after.unknown == files_are(Reason.ARCHIVED, told)
    else:
        assert after.unknown == files_are(Reason.NOT_MOUNTED, f"{STANDARD}; {told}")


def test_a_plain_folder_with_the_name_of_a_container_stays_one_when_archived(
    openbis: OpenBis,
) -> None:
    """Its files have checksums; had openBIS noted a container, that had one, too."""
    note(openbis.path_info, "original/folder.h5", is_directory=True)
    note(openbis.path_info, "original/folder.h5/plain.txt", crc32="77")
    (openbis.folder / "original/folder.h5").mkdir()
    before = data_set(openbis.with_path_info()).files
    set_status(openbis.url, "ARCHIVED")
    shutil.rmtree(openbis.folder)
    archived = data_set(openbis.with_path_info())

    assert archived.files == before
    assert "original/folder.h5/plain.txt" in {node.path for node in before}
    assert archived.unknown == files_are(Reason.ARCHIVED)


def test_a_container_that_is_not_in_its_folder_is_not_listed(openbis: OpenBis) -> None:
    note(openbis.path_info, "original/plate.h5", is_directory=True, crc32="5")
    note(openbis.path_info, "original/plate.h5/1")
    catalogue = openbis.with_path_info()

    assert paths(catalogue) == FILES
    assert data_set(catalogue).unknown == files_are(
        Reason.UNREADABLE, "1 file not known to be a file or a folder: 'original/plate.h5'"
    )


def test_the_size_of_an_hdf5_container_says_nothing(openbis: OpenBis) -> None:
    """openBIS notes the sum of what is in it."""
    (openbis.folder / "plate.H5").write_bytes(b"container")
    set_size(openbis.url, 1_000_000)
    catalogue = openbis.without()

    assert paths(catalogue) == [*FILES, "plate.H5"]
    assert data_set(catalogue).unknown == ()
