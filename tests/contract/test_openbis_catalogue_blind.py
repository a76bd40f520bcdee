"""An openBIS whose files cannot be seen says so: for each way of going blind, with the reason."""

from __future__ import annotations

import os
import shutil

import pytest

from shared.errors import NotNowError
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind
from shared.model.unknown import Reason
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.catalogues.openbis.data_store import files_below
from tests.support.openbis.examples import MADE, Examples
from tests.support.openbis.reading import entities
from tests.support.openbis.unknown_parts import (
    FILES,
    NOT_AVAILABLE,
    README,
    README_FOLDER,
    STANDARD,
    OpenBis,
    data_set,
    files_are,
    folder_of_everybody,
    note,
    of_data_set,
    paths,
    set_size,
    set_status,
    without_privileges,
)
from tests.support.openbis_made.files import STORED
from tests.support.openbis_made.world import ARCHIVED, LOCKED
from tests.support.servers.postgres import run

SIZE = sum(map(len, STORED[README].values()))


def test_where_all_can_be_seen_only_data_sets_without_a_folder_are_marked(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    found = entities(x192, Kind.DATA_SET).values()
    physical = [each for each in found if each.data_set_kind is DataSetKind.PHYSICAL]
    marked = {each.code for each in found if each.unknown}

    assert marked == {each.code for each in physical if not each.files}
    archived = {ARCHIVED: files_are(Reason.ARCHIVED)} if examples is MADE else {}
    assert {each.code: each.unknown for each in found if each.unknown} == {
        examples.unfed: files_are(Reason.NOT_MOUNTED, STANDARD),
        **archived,
    }
    for kind in (Kind.SPACE, Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE, Kind.MATERIAL):
        assert {each.unknown for each in entities(x192, kind).values()} <= {()}


@pytest.mark.parametrize("status", NOT_AVAILABLE)
def test_an_archived_data_set_lists_what_path_info_knows(openbis: OpenBis, status: str) -> None:
    before = data_set(openbis.with_path_info()).files
    set_status(openbis.url, status)
    shutil.rmtree(openbis.folder)

    noted, unnoted = openbis.with_path_info(), openbis.without()

    assert data_set(noted).files == before
    assert [node.path for node in before] == FILES
    assert data_set(noted).unknown == files_are(Reason.ARCHIVED)
    assert paths(unnoted) == []
    assert data_set(unnoted).unknown == files_are(Reason.ARCHIVED)


@pytest.mark.parametrize("gone", [".", "1", README_FOLDER])
@pytest.mark.parametrize("left_empty", [True, False])
def test_a_share_that_is_away(openbis: OpenBis, gone: str, *, left_empty: bool) -> None:
    """The whole store, a share, a data set; missing, or an empty mount point."""
    place = openbis.store / gone
    shutil.rmtree(place)
    if left_empty and gone != README_FOLDER:
        place.mkdir()

    noted, unnoted = openbis.with_path_info(), openbis.without()

    away = files_are(Reason.NOT_MOUNTED, STANDARD)
    assert (paths(noted), data_set(noted).unknown) == (FILES, away)
    assert (paths(unnoted), data_set(unnoted).unknown) == ([], away)
    with pytest.raises(NotNowError, match="a disk may not be mounted"):
        noted.data_set_file(Code(README), FILES[0], MADE.everything)


def test_a_location_that_is_no_path_below_a_share_is_away(openbis: OpenBis) -> None:
    run(openbis.url, "update external_data set location = '../outside'")

    assert data_set(openbis.without()).unknown == files_are(Reason.NOT_MOUNTED, STANDARD)


@pytest.mark.parametrize(
    "emptied",
    [
        "delete from data_set_files; delete from data_sets",
        "delete from data_set_files",
        "delete from data_set_files where not is_directory",
    ],
)
def test_while_path_info_is_fed_anew_the_folder_counts(openbis: OpenBis, emptied: str) -> None:
    run(openbis.path_info, emptied)
    seen = openbis.with_path_info()
    assert (paths(seen), data_set(seen).unknown) == (FILES, ())

    shutil.rmtree(openbis.folder)
    blind = openbis.with_path_info()
    assert (paths(blind), data_set(blind).unknown) == ([], files_are(Reason.NOT_FED, STANDARD))


def test_a_data_set_that_path_info_has_noted_in_part_only(openbis: OpenBis) -> None:
    run(openbis.path_info, "delete from data_set_files where relative_path = 'original/readme.txt'")
    catalogue = openbis.with_path_info()

    assert MADE.hidden not in entities(catalogue, Kind.DATA_SET)
    left_out = STORED[README]["original/readme.txt"]
    assert paths(catalogue) == [path for path in FILES if path != "original/readme.txt"]
    assert data_set(catalogue).unknown == files_are(
        Reason.NOT_FED,
        f"path info has noted {SIZE} bytes, of which it lists {SIZE - len(left_out)}",
    )


def test_openbis_has_noted_bytes_and_path_info_nothing(openbis: OpenBis) -> None:
    """A data set that was fed before its files were there; its folder is away, too."""
    for change in (
        "delete from data_set_files where relative_path <> ''",
        "update data_set_files set size_in_bytes = 0",
    ):
        run(openbis.path_info, change)
    shutil.rmtree(openbis.folder)
    empty = data_set(openbis.with_path_info())
    set_size(openbis.url, SIZE)
    not_fed = data_set(openbis.with_path_info())

    assert (empty.files, empty.unknown) == ((), files_are(Reason.NOT_MOUNTED, STANDARD))
    assert (not_fed.files, not_fed.unknown) == ((), files_are(Reason.NOT_FED, STANDARD))


@pytest.mark.parametrize("length", [0, 10])
def test_files_that_were_cut_are_not_listed(openbis: OpenBis, length: int) -> None:
    """Which of them were cut, cannot be known; what would be listed would count."""
    set_size(openbis.url, SIZE)
    assert data_set(openbis.without()).unknown == ()
    for path in FILES:
        os.truncate(openbis.folder / path, length)
    catalogue = openbis.without()

    assert paths(catalogue) == []
    assert data_set(catalogue).unknown == files_are(
        Reason.UNREADABLE, f"openBIS has noted {SIZE} bytes, its files have {4 * length}"
    )


def test_an_empty_folder_is_no_empty_data_set_if_openbis_has_noted_bytes(openbis: OpenBis) -> None:
    shutil.rmtree(openbis.folder)
    openbis.folder.mkdir()
    empty = data_set(openbis.without())
    set_size(openbis.url, 0)
    also_empty = data_set(openbis.without())
    set_size(openbis.url, SIZE)
    away = data_set(openbis.without())

    assert (empty.files, empty.unknown) == ((), ())
    assert also_empty == empty
    assert (away.files, away.unknown) == (
        (),
        files_are(Reason.NOT_MOUNTED, f"openBIS has noted {SIZE} bytes, its files have 0"),
    )


def test_a_name_that_java_could_not_read_is_not_listed(openbis: OpenBis) -> None:
    note(openbis.path_info, "original/latin-\ufffd.txt")
    note(openbis.path_info, "original/real-\ufffd.txt")
    (openbis.folder / "original/real-\ufffd.txt").write_bytes(b"7 bytes")
    catalogue = openbis.with_path_info()

    assert paths(catalogue) == sorted([*FILES, "original/real-\ufffd.txt"])
    assert data_set(catalogue).unknown == files_are(
        Reason.BAD_NAME, "1 file cannot be listed: 'original/latin-\ufffd.txt'"
    )


def test_a_linked_folder_is_not_followed_and_named(openbis: OpenBis) -> None:
    (openbis.folder / "original/latest").symlink_to("deep")
    catalogue = openbis.without()

    assert paths(catalogue) == FILES
    assert data_set(catalogue).unknown == files_are(
        Reason.UNREADABLE, "1 file cannot be read: 'original/latest'"
    )


def test_what_the_system_refuses_to_read_is_named() -> None:
    with folder_of_everybody() as folder:
        for name in ("open", "closed"):
            (folder / name).mkdir(mode=0o755)
            (folder / name / "a.txt").write_text("a")
        (folder / "open" / "b.txt").write_text("b")
        (folder / "open" / "b.txt").chmod(0)
        (folder / "closed").chmod(0)
        with without_privileges():
            walked = files_below(folder)
        (folder / "closed").chmod(0o755)

    assert walked.files == [("open/a.txt", 1), ("open/b.txt", 1)]
    assert walked.unreadable == ["closed", "open/b.txt"]


def test_a_folder_that_the_system_does_not_let_us_find_fails_alone(
    openbis: OpenBis,
) -> None:
    """A share that is a link in a circle: the system answers with an error of its own."""
    (openbis.store / "1").rename(openbis.store / "2")
    (openbis.store / "1").symlink_to("1")
    assert paths(openbis.without()) == FILES  # found in the other share

    run(openbis.url, of_data_set("update external_data set location = repeat('y', 300)"))
    catalogue = openbis.without()
    assert data_set(catalogue).unknown == files_are(
        Reason.UNREADABLE, f"{STANDARD}: File name too long"
    )
    assert paths(catalogue, LOCKED) != []


def test_a_placeholder_that_never_had_files_is_whole(openbis: OpenBis) -> None:
    run(openbis.url, of_data_set("delete from external_data"))

    found = data_set(openbis.without())
    assert (found.files, found.unknown) == ((), ())


def test_data_sets_that_have_no_folder_of_their_own(openbis: OpenBis) -> None:
    def marks(catalogue: OpenBisCatalogue) -> dict[DataSetKind | None, set[object]]:
        found = entities(catalogue, Kind.DATA_SET).values()
        return {
            kind: {each.unknown for each in found if each.data_set_kind is kind}
            for kind in (DataSetKind.CONTAINER, DataSetKind.LINK)
        }

    nothing: set[object] = {()}
    assert marks(openbis.without()) == {DataSetKind.CONTAINER: nothing, DataSetKind.LINK: nothing}
    assert marks(openbis.with_path_info()) == marks(openbis.without())

    run(openbis.path_info, "delete from data_set_files", "delete from data_sets")
    assert marks(openbis.with_path_info()) == {
        DataSetKind.CONTAINER: nothing,
        DataSetKind.LINK: {files_are(Reason.NOT_FED)},
    }


@pytest.mark.parametrize("status", NOT_AVAILABLE)
def test_a_file_of_an_archived_data_set_cannot_be_had_now(openbis: OpenBis, status: str) -> None:
    catalogue = openbis.with_path_info()
    assert catalogue.data_set_file(Code(README), FILES[0], MADE.everything) is not None
    set_status(openbis.url, status)

    with pytest.raises(NotNowError, match=f"data set {README}: it is archived"):
        catalogue.data_set_file(Code(README), FILES[0], MADE.everything)
