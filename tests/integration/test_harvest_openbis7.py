"""Harvests from an openBIS 7: entities, classic data sets, and the files of its application file
service (AFS)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.model.kinds import Kind
from shared.model.master_data import PatternType, PropertyAssignment
from shared.store.master_data import stored_definitions, write_definitions
from tests.support.instances.harvests import Harvest, Result
from tests.support.instances.instance import PASSWORD, USER
from tests.support.openbis7.lab import AfsFile, Thing, a_sample
from tests.support.openbis7.server import Openbis7, openbis7

TRACE = "run 1/trace+1.csv"
_OF_A = (
    TRACE,
    ".afs.trash/old.csv",
    "run 1/.afs.snapshots/trace+1.csv/2026_03_01_12_30_00_045",
    "nothing.txt",
)


@pytest.fixture
def openbis() -> Iterator[Openbis7]:
    with openbis7() as running:
        yield running


@pytest.fixture
def ready(harvest: Harvest, openbis: Openbis7) -> Harvest:
    """A harvester of space ALPHA."""
    harvest.init()
    configure(harvest, openbis)
    return harvest


def configure(harvest: Harvest, openbis: Openbis7, **keys: str) -> None:
    given = {
        "data_source_openbis_url": openbis.url,
        "exportable_perm_ids": "SPACE:ALPHA",
        "with_levels_below": "true",
        "retry_pauses": "0 s",
        "deletion_allowed": "true",
    }
    harvest.section("DS1", openbis.url, **given | keys)


def ran(harvest: Harvest, *options: str) -> Result:
    """A run that brings everything."""
    result = harvest.run(*options)
    assert result.code == 0, result.output + harvest.log()
    return result


def content(harvest: Harvest, owner: Thing, path: str) -> bytes | None:
    """What is here of a file of an owner."""
    held = harvest.instance.bytes_held()
    return held.get(f"{owner.perm_id}/{path}")


def is_as_there(harvest: Harvest, owner: Thing) -> bool:
    """Whether exactly the files of an owner are here."""
    held = harvest.instance.bytes_held()
    here = {name: data for name, data in held.items() if name.startswith(f"{owner.perm_id}/")}
    there = {f"{owner.perm_id}{path}": file.content for path, file in (owner.afs or {}).items()}
    return here == there


def reads(openbis: Openbis7) -> list[str]:
    """The paths that were read since the last look."""
    found = [path for _, path in openbis.afs.reads]
    openbis.afs.reads.clear()
    return found


def test_everything_that_can_be_got_is_got(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    lab, held = openbis.lab, ready.instance.bytes_held()
    one, trial = lab.the("A"), lab.the("TRIAL-1")
    (data_set,) = lab.of("DATASET")

    assert set(held) == {
        *(f"{one.perm_id}/{path}" for path in _OF_A),
        f"{trial.perm_id}/protocol.txt",
        f"{data_set.code}/original/data",
    }
    assert is_as_there(ready, one)
    assert is_as_there(ready, trial)
    assert held[f"{data_set.code}/original/data"] == b"0123456789"
    assert (ready.instance.store.data_set_folder(one.perm_id) / "empty folder").is_dir()
    codes = {entity.code for entity in ready.instance.entities().values()}
    assert {"ALPHA", "KITCHEN", "TRIAL-1", "A", "B"} <= codes
    assert "BETA" not in codes


def test_afs_data_are_data_sets_of_their_owner(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    owner = openbis.lab.the("A")
    afs = ready.instance.entities()[Kind.DATA_SET, owner.perm_id]
    assert afs.is_afs
    assert (afs.type, afs.sample, afs.empty_folders) == (
        "AFS_DATA",
        "/ALPHA/KITCHEN/A",
        ("empty folder",),
    )
    assert all(file.modified and file.checksum for file in afs.files)
    types = {one.code for one in ready.instance.master_data().types_of(Kind.DATA_SET)}
    assert {"AFS_DATA", "RAW_DATA"} <= types


def test_with_a_prefix_the_perm_ids_stay(ready: Harvest, openbis: Openbis7) -> None:
    configure(ready, openbis, translate_using_data_source_alias="true")
    ran(ready)
    owner = openbis.lab.the("A")
    afs = ready.instance.entities()[Kind.DATA_SET, owner.perm_id]
    assert (afs.type, afs.sample) == ("DS1_AFS_DATA", "/DS1_ALPHA/KITCHEN/A")
    assert is_as_there(ready, owner)


def test_a_second_run_fetches_nothing(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    assert len(reads(openbis)) == 4  # an empty file is not asked for
    openbis.afs.calls.clear()
    before = ready.instance.content()
    ran(ready)
    assert openbis.afs.calls == []
    assert ready.instance.content() == before
    ready.agrees()


def test_afs_data_among_the_data_sets_change_nothing(ready: Harvest, openbis: Openbis7) -> None:
    openbis.faults.afs_data_sets = True
    ran(ready)
    assert is_as_there(ready, openbis.lab.the("A"))
    reads(openbis)
    openbis.faults.afs_data_sets = False
    ran(ready)
    assert reads(openbis) == []


def test_of_a_changed_owner_only_the_changed_file_is_fetched(
    ready: Harvest, openbis: Openbis7
) -> None:
    ran(ready)
    reads(openbis)
    owner = openbis.lab.the("A")
    assert owner.afs
    later = owner.afs[f"/{TRACE}"].modified.replace(day=6)
    owner.afs[f"/{TRACE}"] = AfsFile(content=b"other bytes", modified=later)
    owner.afs["/new.txt"] = AfsFile(content=b"new", modified=later)
    ran(ready)
    assert sorted(reads(openbis)) == ["/new.txt", f"/{TRACE}"]
    assert is_as_there(ready, owner)
    ran(ready)
    assert reads(openbis) == []


def test_what_was_replaced_is_in_the_trash(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    owner = openbis.lab.the("TRIAL-1")
    assert owner.afs
    old = owner.afs["/protocol.txt"]
    owner.afs["/protocol.txt"] = AfsFile(content=b"x", modified=old.modified.replace(day=6))
    ran(ready)
    in_trash = [path.read_bytes() for path in (ready.root / "store" / "trash").rglob("*.txt")]
    assert in_trash == [old.content]


def test_when_afs_is_away_the_rest_comes_and_it_is_said(ready: Harvest, openbis: Openbis7) -> None:
    openbis.faults.afs_is_away = True
    result = ready.run()
    (data_set,) = openbis.lab.of("DATASET")
    assert result.code != 0
    assert "answers with status 503" in ready.log()
    assert list(ready.instance.bytes_held()) == [f"{data_set.code}/original/data"]
    assert ("SAMPLE", openbis.lab.the("A").perm_id) in {
        (kind.value, perm_id) for kind, perm_id in ready.instance.entities()
    }

    openbis.faults.afs_is_away = False
    ran(ready)
    assert is_as_there(ready, openbis.lab.the("A"))


def test_when_afs_is_away_nothing_that_is_here_is_lost(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    before = ready.instance.bytes_held()
    owner = openbis.lab.the("A")
    assert owner.afs
    owner.afs["/new.txt"] = AfsFile(content=b"new")
    openbis.faults.afs_is_away = True
    assert ready.run().code != 0
    assert ready.instance.bytes_held() == before
    openbis.faults.list_sees_no_afs = True
    assert ready.run().code != 0
    assert ready.instance.bytes_held() == before


@pytest.mark.parametrize("address", [None, "http://elsewhere.example.org/afs-server"])
def test_however_long_afs_is_away_its_files_come_with_the_next_run(
    ready: Harvest, openbis: Openbis7, address: str | None
) -> None:
    openbis.faults.afs_is_away, openbis.faults.afs_address = address is None, address
    for _ in range(3):
        assert ready.run().code != 0
        assert "not tried again before" not in ready.log()
    openbis.faults.afs_is_away, openbis.faults.afs_address = False, None
    ran(ready)
    assert is_as_there(ready, openbis.lab.the("A"))


def test_however_long_an_owner_is_locked_its_files_come_with_the_next_run(
    ready: Harvest, openbis: Openbis7
) -> None:
    openbis.faults.busy = 1_000_000
    for _ in range(3):
        assert ready.run().code == 7
        assert "is locked by another user" in ready.log()
        assert "not tried again before" not in ready.log()
    openbis.faults.busy = 0
    ran(ready)
    assert is_as_there(ready, openbis.lab.the("A"))


def test_a_list_that_names_no_afs_deletes_nothing_of_it(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    before = ready.instance.bytes_held()
    openbis.faults.afs_is_not_configured = True
    ran(ready)
    assert ready.instance.bytes_held() == before
    assert "application file service (AFS) (the list names no such service)" in ready.log()
    ready.agrees()

    owner = openbis.lab.the("B")
    openbis.lab.remove(next(openbis.lab.of("DATASET")))
    openbis.lab.remove(owner)
    openbis.faults.afs_is_not_configured = False
    ran(ready)
    assert is_as_there(ready, openbis.lab.the("A"))


def test_a_source_without_afs_is_not_told_about_it(ready: Harvest, openbis: Openbis7) -> None:
    openbis.faults.afs_is_not_configured = True
    ran(ready)
    assert "AFS" not in ready.log()


def test_an_owner_without_files_loses_them_to_the_trash(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    owner = openbis.lab.the("TRIAL-1")
    owner.afs = {}
    ran(ready)
    assert content(ready, owner, "protocol.txt") is None
    assert (Kind.DATA_SET, owner.perm_id) not in ready.instance.entities()
    restored = ready.command("trash", "restore", "1")
    assert restored.code == 0, restored.output
    assert content(ready, owner, "protocol.txt") == b"stir well"
    ran(ready)
    assert content(ready, owner, "protocol.txt") == b"stir well"


def test_afs_data_that_vanish_all_at_once_are_held_back(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    before = ready.instance.bytes_held()
    for code in ("A", "TRIAL-1"):
        openbis.lab.the(code).afs, openbis.lab.the(code).empty_folders = {}, []
    ready.run()
    assert "deletions are held back" in ready.log()
    assert ready.instance.bytes_held() == before


def test_files_of_an_owner_that_is_gone_go_with_it(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    owner = openbis.lab.the("A")
    openbis.lab.the("B").parents.clear()
    openbis.lab.remove(owner)
    ran(ready)
    assert content(ready, owner, TRACE) is None
    assert (Kind.SAMPLE, owner.perm_id) not in ready.instance.entities()


def test_an_owner_that_cannot_be_read_keeps_its_files(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    openbis.lab.the("A").modified = openbis.lab.the("A").modified.replace(year=1)
    openbis.lab.the("A").afs = {}
    ready.run()
    assert content(ready, openbis.lab.the("A"), TRACE) is not None


def test_a_wrong_hash_is_the_failure_of_its_owner_alone(ready: Harvest, openbis: Openbis7) -> None:
    owner = openbis.lab.the("A")
    assert owner.afs
    owner.afs[f"/{TRACE}"].hash = "0" * 32
    result = ready.run()
    assert result.code != 0
    assert f"file {TRACE}: MD5: the list says {'0' * 32}" in ready.log()
    assert content(ready, owner, TRACE) is None
    assert is_as_there(ready, openbis.lab.the("TRIAL-1"))
    owner.afs[f"/{TRACE}"].hash = None
    ran(ready)
    assert is_as_there(ready, owner)


def test_an_owner_that_afs_refuses_fails_alone(ready: Harvest, openbis: Openbis7) -> None:
    owner = openbis.lab.the("A")
    openbis.faults.unreadable.add(owner.perm_id)
    assert ready.run().code != 0
    assert "must be allowed to see the sample or experiment" in ready.log()
    assert is_as_there(ready, openbis.lab.the("TRIAL-1"))
    openbis.faults.unreadable.clear()
    ran(ready)
    assert is_as_there(ready, owner)


def test_a_name_that_leads_out_is_refused(ready: Harvest, openbis: Openbis7) -> None:
    openbis.lab.the("B").afs = {"/../../evil.txt": AfsFile(content=b"evil")}
    assert ready.run().code != 0
    assert "contains the segment '..'" in ready.log()
    assert is_as_there(ready, openbis.lab.the("A"))
    assert list(ready.root.rglob("evil.txt")) == []


def test_a_name_that_is_a_file_and_a_folder_is_refused(ready: Harvest, openbis: Openbis7) -> None:
    openbis.lab.the("B").afs = {"/a": AfsFile(content=b"a"), "/a/b": AfsFile(content=b"b")}
    assert ready.run().code != 0
    assert "'a' is a file and a folder at once" in ready.log()


def test_files_of_a_component_belong_to_it_in_its_container(
    ready: Harvest, openbis: Openbis7
) -> None:
    lab = openbis.lab
    part = a_sample(lab.the("TRIAL-1"), "PART", 19)
    part.afs = {"/a.txt": AfsFile(content=b"a")}
    lab.add(part)
    lab.the("B").components = [part.perm_id]
    ran(ready)
    afs = ready.instance.entities()[Kind.DATA_SET, part.perm_id]
    assert afs.sample == "/ALPHA/KITCHEN/B:PART"
    assert is_as_there(ready, part)
    ran(ready)
    assert reads(openbis).count("/a.txt") == 1


def test_damaged_files_are_brought_again(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    owner = openbis.lab.the("A")
    place = ready.instance.store.data_set_folder(owner.perm_id) / TRACE
    place.write_bytes(b"x" * 30)
    repaired = ready.command("repair", "--contents")
    assert repaired.code == 0, repaired.output
    assert is_as_there(ready, owner)


def test_a_session_that_ends_in_between_is_no_failure(ready: Harvest, openbis: Openbis7) -> None:
    ran(ready)
    openbis.end_sessions()
    owner = openbis.lab.the("B")
    owner.afs = {"/late.txt": AfsFile(content=b"late")}
    ran(ready)
    assert is_as_there(ready, owner)
    assert openbis.sessions == set()


def test_a_check_fetches_a_file_of_afs(ready: Harvest, openbis: Openbis7) -> None:
    checked = ready.command("check-config", "--online")
    assert checked.code == 0, checked.output
    assert f"{openbis.lab.the('A').perm_id}/.afs.trash/old.csv (4 B) can be fetched" in (
        checked.output
    )
    openbis.faults.afs_is_away = True
    checked = ready.command("check-config", "--online")
    assert checked.code != 0
    assert "afs-server/api answers with status 503" in checked.output


def test_what_a_list_never_says_of_definitions_stays(ready: Harvest, openbis: Openbis7) -> None:
    """As after harvests of the same instance from our own source server."""
    ran(ready)
    with ready.instance.engine.begin() as connection:
        details = {
            key: replace(stored.value, pattern="1-9", pattern_type=PatternType.RANGES)
            for key, stored in stored_definitions(connection).items()
            if isinstance(stored.value, PropertyAssignment) and stored.source == "DS1"
        }
        assert details
        write_definitions(connection, "DS1", details)
    openbis.lab.defined["NOTES"].meta_data = {"unit": "mm"}
    configure(ready, openbis, master_data_update_allowed="true")
    ran(ready)

    with ready.instance.engine.connect() as connection:
        found = {key: it.value for key, it in stored_definitions(connection).items()}
    assert {key: found[key] for key in details} == details
    ready.agrees()


def test_what_came_is_published_to_the_next_harvester(
    ready: Harvest, openbis: Openbis7, tmp_path: Path
) -> None:
    ran(ready)
    ready.instance.add_user(USER, PASSWORD)
    with ready.instance.served() as url:
        following = Harvest(tmp_path / "following")
        following.init()
        following.section("DS1", url)
        ran(following)
        following.agrees()
        assert following.instance.bytes_held() == ready.instance.bytes_held()
        owner = openbis.lab.the("A").perm_id
        here = following.instance.entities()[Kind.DATA_SET, owner]
        assert here.is_afs
        assert here.empty_folders == ("empty folder",)
        ran(following)
    following.instance.engine.dispose()
