"""The store's promises about AFS data, whose files have times, and seldom checksums."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from harvester.openbis.destination.data_set_plans import (
    data_set_counts,
    empty_folders,
    guarded_files,
)
from harvester.openbis.destination.losses import find_losses, hold_contents, keep, losses, spare
from harvester.openbis.destination.restoring import Wish
from harvester.openbis.destination.unknown_parts import complete_unknown, settle
from shared.model.entities import Entity, FileNode
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind
from shared.model.unknown import Part, Reason, Unknown
from shared.store.changes import (
    ORIGINAL_STAMPS,
    Action,
    apply_kind,
    copy_stamps,
    hold_back_data_sets,
)
from shared.store.doubles import perm_ids_in_two_kinds
from shared.store.incoming import data_set_files
from shared.store.read import Reader
from tests.contract.passes import harvest, harvesting
from tests.contract.trash_passes import deletes, restores
from tests.support.instances.afs import a_dated_file, afs_data, edited, put_afs
from tests.support.instances.builders import a_sample, a_space, an_experiment, perm_id
from tests.support.instances.instance import Instance

OWNER = a_sample(4)
PLACE = (a_space(), OWNER)
NOTES = a_dated_file("notes.txt", b"notes")
TABLE = a_dated_file("run/table.csv", b"1,2", md5=True)
DATA = afs_data(OWNER, NOTES, TABLE, empty_folders=("run/later",))


def here(instance: Instance, *entities: Entity) -> None:
    harvest(instance, *PLACE, *(entities or (DATA,)))


def planned(instance: Instance, listed: Entity, *, spared: bool = False) -> dict[str, Any]:
    """What a pass would do, and which losses it has found."""
    with harvesting(instance, *PLACE, listed) as connection:
        complete_unknown(connection, "DS1")
        find_losses(connection, "DS1")
        found = {one.name: one.problem for one in losses(connection)}
        if spared:
            spare(connection)
        else:
            hold_contents(connection, "DS1")
        keep(connection)
        settle(connection)
        hold_back_data_sets(connection)
        rows = connection.execute(text("SELECT kind, action FROM plan")).all()
    return {str(kind): str(action) for kind, action in rows} | ({"lost": found} if found else {})


def with_files(*files: FileNode, **fields: Any) -> Entity:
    return replace(DATA, files=files, **fields)


def stored(instance: Instance) -> Entity:
    return instance.entities()[Kind.DATA_SET, OWNER.perm_id]


def test_afs_data_are_stored_as_they_are(instance: Instance) -> None:
    here(instance)
    assert stored(instance) == DATA
    assert planned(instance, DATA) == {}


def test_the_order_of_empty_folders_means_nothing(instance: Instance) -> None:
    here(instance, replace(DATA, empty_folders=("b", "a", "b")))
    assert planned(instance, replace(DATA, empty_folders=("a", "b"))) == {}


def test_without_a_checksum_another_time_means_another_content(instance: Instance) -> None:
    here(instance)
    changed = with_files(replace(NOTES, modified=edited(1)), TABLE)
    assert planned(instance, changed) == {
        "DATA_SET": "waiting",
        "DATA_SET_CONTENT": "gone",
        "lost": {"notes.txt": "edited"},
    }


def test_with_the_same_checksum_only_the_row_changes(instance: Instance) -> None:
    here(instance)
    touched = with_files(NOTES, replace(TABLE, modified=edited(1)))
    assert planned(instance, touched) == {"DATA_SET": "changed"}
    harvest(instance, *PLACE, touched)
    assert stored(instance) == touched


def test_a_checksum_is_not_carried_over_to_a_file_with_another_time(instance: Instance) -> None:
    here(instance)
    touched = with_files(NOTES, replace(TABLE, checksum=None))
    assert planned(instance, touched) == {}
    edit = with_files(NOTES, replace(TABLE, checksum=None, modified=edited(1)))
    assert planned(instance, edit)["lost"] == {"run/table.csv": "edited"}


@pytest.mark.parametrize("length", [3, 9])
def test_an_edit_goes_on_and_is_not_held_back(instance: Instance, length: int) -> None:
    here(instance)
    found = planned(instance, with_files(replace(NOTES, length=length, modified=edited(1)), TABLE))
    assert (found["DATA_SET_CONTENT"], found["DATA_SET"]) == ("gone", "waiting")


def test_fewer_files_are_held_back_with_the_edits_beside_them(instance: Instance) -> None:
    here(instance)
    fewer = with_files(replace(NOTES, modified=edited(1)))
    assert planned(instance, fewer) == {
        "DATA_SET_CONTENT": "held",
        "lost": {"notes.txt": "edited", "run/table.csv": "missing"},
    }


def test_where_deletions_are_forbidden_an_edit_waits(instance: Instance) -> None:
    here(instance)
    changed = with_files(replace(NOTES, modified=edited(1)), TABLE)
    assert planned(instance, changed, spared=True)["DATA_SET_CONTENT"] == "spared"
    added = with_files(*changed.files, a_dated_file("new.txt", b"new"))
    assert planned(instance, added, spared=True)["DATA_SET"] == "waiting"


def test_another_content_of_the_same_time_is_doubtful(instance: Instance) -> None:
    here(instance)
    found = planned(instance, with_files(replace(NOTES, length=9), TABLE))
    assert (found["DATA_SET_CONTENT"], found["lost"]) == ("held", {"notes.txt": "different"})


def test_times_of_an_ordinary_data_set_do_not_make_its_losses_edits(instance: Instance) -> None:
    ordinary = replace(DATA, is_afs=False, empty_folders=(), code=DATA.code)
    here(instance, ordinary)
    changed = replace(ordinary, files=(replace(NOTES, modified=edited(1)), TABLE))
    found = planned(instance, changed)
    assert (found["DATA_SET_CONTENT"], found["lost"]) == ("held", {"notes.txt": "different"})


def test_without_times_nothing_is_other_than_ever(instance: Instance) -> None:
    dateless = with_files(replace(NOTES, modified=None), replace(TABLE, modified=None))
    here(instance, dateless)
    assert planned(instance, dateless) == {}
    here(instance)  # the source knows the times now
    harvest(instance, *PLACE, DATA)
    assert planned(instance, dateless) == {"DATA_SET": "changed"}


def test_a_time_that_was_not_known_makes_a_file_come_again(instance: Instance) -> None:
    here(instance, with_files(replace(NOTES, modified=None), TABLE))
    assert planned(instance, DATA) == {"DATA_SET": "waiting"}


def test_an_ordinary_data_set_may_become_afs_data_and_vice_versa(instance: Instance) -> None:
    ordinary = replace(DATA, is_afs=False, empty_folders=())
    for before, after in ((ordinary, DATA), (DATA, ordinary)):
        here(instance, before)
        assert planned(instance, after) == {"DATA_SET": "waiting"}  # its empty folder
        here(instance, after)
        assert stored(instance) == after


@pytest.mark.parametrize("folders", [(), ("run/later", "new")])
def test_other_empty_folders_make_it_put_together_again(
    instance: Instance, folders: tuple[str, ...]
) -> None:
    here(instance)
    changed = replace(DATA, empty_folders=folders)
    assert planned(instance, changed) == {"DATA_SET": "waiting"}
    with harvesting(instance, *PLACE, changed) as connection:
        expected = {OWNER.perm_id: tuple(sorted(folders))} if folders else {}
        assert empty_folders(connection, [OWNER.perm_id, "another"]) == expected


def test_empty_folders_that_a_source_cannot_see_now_stay(instance: Instance) -> None:
    here(instance)
    away = Unknown(part=Part.FILES, reason=Reason.NOT_MOUNTED)
    blind = replace(DATA, files=(), empty_folders=(), unknown=(away,))
    assert planned(instance, blind) == {}
    with harvesting(instance, *PLACE, replace(blind, empty_folders=("new",))) as connection:
        complete_unknown(connection, "DS1")
        settle(connection)
        assert empty_folders(connection, [OWNER.perm_id]) == {OWNER.perm_id: ("new", "run/later")}


def test_their_time_stays_while_the_source_cannot_see_the_latest_file(instance: Instance) -> None:
    """Otherwise it goes back, and forth again."""
    here(instance, replace(DATA, modified=edited(5)))
    away = Unknown(part=Part.FILES, reason=Reason.NOT_MOUNTED)
    for time, minutes in ((edited(1), 5), (edited(9), 9)):
        blind = replace(DATA, files=(), empty_folders=(), unknown=(away,), modified=time)
        with harvesting(instance, *PLACE, blind) as connection:
            complete_unknown(connection, "DS1")
            settle(connection)
            copy_stamps(connection, "DS1")
        assert stored(instance).modified == edited(minutes)
    here(instance, replace(DATA, modified=edited(3)))
    assert stored(instance).modified == edited(3)


def test_no_folder_is_made_where_files_stay(instance: Instance) -> None:
    """The list has empty folders instead of the files, whose loss is held back."""
    here(instance)
    emptied = with_files(NOTES, empty_folders=("notes.txt/x", "run", "run/later", "run/table.csv"))
    assert planned(instance, emptied)["DATA_SET_CONTENT"] == "held"
    with harvesting(instance, *PLACE, emptied) as connection:
        complete_unknown(connection, "DS1")
        find_losses(connection, "DS1")
        spare(connection)
        keep(connection)
        settle(connection)
        assert empty_folders(connection, [OWNER.perm_id]) == {OWNER.perm_id: ("run/later",)}
        paths = [file.path for file in data_set_files(connection, OWNER.perm_id)]
        assert paths == ["notes.txt", "run/table.csv"]


def test_a_file_that_is_to_come_again_is_guarded_with_its_time(instance: Instance) -> None:
    here(instance)
    with harvesting(instance, *PLACE, DATA) as connection:
        assert guarded_files(connection, [OWNER.perm_id]) == {OWNER.perm_id: {"notes.txt": NOTES}}


def test_afs_data_and_their_owner_are_no_perm_id_in_two_kinds(instance: Instance) -> None:
    trial = replace(an_experiment(7), perm_id=perm_id(7))
    of_trial = replace(DATA, perm_id=trial.perm_id, code=Code(trial.perm_id), sample=None)
    twin = replace(an_experiment(4), perm_id=OWNER.perm_id)
    with harvesting(instance, *PLACE, DATA, trial, of_trial, twin) as connection:
        found = [(one.one, one.other) for one in perm_ids_in_two_kinds(connection)]
    assert found == [(f"EXPERIMENT {twin.identifier}", f"SAMPLE {OWNER.identifier}")]


def test_an_owner_is_published_without_a_connection_to_its_afs_data(instance: Instance) -> None:
    """A harvester of openBIS 20.10 skips them, and would look for them in vain."""
    here(instance)
    with instance.engine.connect() as connection:
        reader = Reader(connection, frozenset({PLACE[0].code}))
        assert reader.data_sets_of([OWNER.perm_id]) == {}


def test_they_come_back_from_the_trash_as_they_were(instance: Instance) -> None:
    instance.load(*PLACE)
    put_afs(instance, OWNER, {"notes.txt": (b"notes", 0), "a/b": (b"b", 7)}, ("a/later",))
    instance.execute("UPDATE entity SET source = 'DS1'")
    before, folder = instance.tables(), instance.store.data_set_folder(OWNER.perm_id)
    number = deletes(instance, PLACE[0])
    assert not folder.exists()
    assert restores(instance, Wish(deletion=number)).refusals == ()
    assert instance.tables() == before
    assert (folder / "a" / "later").is_dir()
    assert stored(instance).files[1] == a_dated_file("notes.txt", b"notes")


def test_data_sets_are_counted_as_afs_data(instance: Instance) -> None:
    with harvesting(instance, *PLACE, DATA) as connection:
        assert data_set_counts(connection, Action.NEW) == {"AFS": 1}
        apply_kind(connection, Kind.DATA_SET, "DS1", ORIGINAL_STAMPS)
    assert DataSetKind.PHYSICAL is stored(instance).data_set_kind


@pytest.mark.parametrize(("before", "after"), [("run", "run/a.csv"), ("run/a.csv", "run")])
@pytest.mark.parametrize("spared", [False, True])
def test_a_new_file_in_the_place_of_one_that_stays_comes_later_and_all_others_now(
    instance: Instance, before: str, after: str, *, spared: bool
) -> None:
    here(instance, with_files(NOTES, a_dated_file(before, b"1"), empty_folders=()))
    listed = with_files(a_dated_file(after, b"2", 3), a_dated_file("b", b"3"), empty_folders=())
    with harvesting(instance, *PLACE, listed) as connection:
        complete_unknown(connection, "DS1")
        find_losses(connection, "DS1")
        (spare if spared else partial(hold_contents, source="DS1"))(connection)
        keep(connection)
        settle(connection)
        paths = [file.path for file in data_set_files(connection, DATA.code)]
    assert paths == sorted(["b", NOTES.path, before])


def test_files_that_lie_in_a_file_of_the_same_list_are_left_as_they_are(instance: Instance) -> None:
    twice = with_files(NOTES, a_dated_file("a"), a_dated_file("a/b"), empty_folders=())
    away = replace(twice, unknown=(Unknown(part=Part.FILES, reason=Reason.UNREADABLE),))
    here(instance, with_files(TABLE, empty_folders=()))
    with harvesting(instance, *PLACE, away) as connection:
        complete_unknown(connection, "DS1")
        settle(connection)
        paths = {file.path for file in data_set_files(connection, DATA.code)}
    assert paths == {"a", "a/b", NOTES.path, TABLE.path}
