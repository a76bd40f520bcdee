"""The store's promises about the trash: what goes in, what comes back, what goes for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from shared.model.entities import Entity
from shared.model.ids import Identifier
from shared.model.kinds import Kind
from shared.store.changes import Action, compare, counts, plan_files, planned
from shared.store.engine import rehearsal
from shared.store.file_work import StoreFiles, finish_files
from shared.store.incoming import Incoming
from shared.store.restoring import (
    Restoration,
    Wish,
    forget_marks,
    marked,
    restore,
    unmark,
)
from shared.store.trash import PARTS, deletions, discard, expired, items, purge
from tests.builders import a_project, a_sample, a_space, an_experiment, perm_id
from tests.contract.passes import harvest, harvesting, plan
from tests.instances import Instance
from tests.kitchen import Kitchen, a_kitchen
from tests.trashed import in_trash, mismatches

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)


@pytest.fixture
def kitchen(instance: Instance) -> Kitchen:
    """All of it was brought by the section DS1."""
    kitchen = a_kitchen(instance)
    for table in ("entity", "service_file"):
        instance.execute(f"UPDATE {table} SET source = 'DS1'")  # noqa: S608 - our own names
    return kitchen


def deletes(instance: Instance, *listed: Entity, now: datetime = NOW, run: int = 3) -> int:
    """A pass that moves to the trash what is not listed; returns the deletion's number."""
    with harvesting(instance, *listed) as connection:
        forget_marks(connection, "DS1")
        plan_files(connection, "DS1")
        number = discard(connection, "DS1", run, now)
    finish(instance)
    return number


def finish(instance: Instance) -> None:
    with instance.engine.begin() as connection:
        finish_files(connection, "DS1", StoreFiles(instance.store))


def nothing(_kind: str, _name: str) -> None:
    """Stands in the way."""


def restores(instance: Instance, wish: Wish) -> Restoration:
    with instance.engine.begin() as connection:
        restoration = restore(connection, wish, nothing)
    finish(instance)
    return restoration


def refused(restoration: Restoration) -> dict[str, str]:
    return {refusal.item.perm_id: refusal.reason for refusal in restoration.refusals}


def trash_is_empty(connection: Connection) -> bool:
    return not any(connection.execute(part.trashed.select()).first() for part in PARTS)


def test_what_goes_to_the_trash_comes_back_as_it_was(instance: Instance, kitchen: Kitchen) -> None:
    before, contents = instance.tables(), instance.bytes_held()
    number = deletes(instance)
    assert instance.entities() == {}
    assert instance.bytes_held() == {}
    assert mismatches(instance) == []
    restoration = restores(instance, Wish(deletion=number))
    assert restoration.refusals == restoration.unknown == restoration.left == ()
    assert sum(restoration.counts.values()) == len(kitchen.everything) + 1
    assert instance.tables() == before
    assert instance.bytes_held() == contents
    assert mismatches(instance) == []
    with instance.engine.connect() as connection:
        assert trash_is_empty(connection)
        assert deletions(connection) == []
        assert len(marked(connection)) == len(kitchen.everything) + 1
    assert not instance.store.trash(number).exists()


def test_a_deletion_is_listed_with_what_it_has(instance: Instance, kitchen: Kitchen) -> None:
    number = deletes(instance, *(e for e in kitchen.everything if e is not kitchen.of_well))
    with instance.engine.connect() as connection:
        (found,) = deletions(connection)
        assert (found.number, found.source, found.deleted) == (number, "DS1", NOW)
        assert (found.section, found.run) == ("DS1", None)  # nobody knows that run any more
        assert found.counts == {"DATA_SET": 1, "FILE": 1}
        assert found.bytes == kitchen.of_well.files[0].length + len(b"picture")
        assert deletions(connection, "DS2") == []
        assert [(i.kind, i.perm_id) for i in items(connection, number)] == [
            ("DATA_SET", kitchen.of_well.code),
            ("FILE", kitchen.picture.path),
        ]
    assert set(in_trash(instance)) == {
        f"{number}/{kitchen.of_well.code}/original/big.bin",
        f"{number}/files/{kitchen.picture.path}",
    }


def test_a_rehearsed_deletion_leaves_nothing_behind(instance: Instance, kitchen: Kitchen) -> None:
    before = instance.tables()
    with harvesting(instance):
        pass
    with instance.engine.connect() as connection:
        with connection.begin():
            Incoming(connection).finish()
        with rehearsal(connection) as transaction, transaction():
            compare(connection, "DS1")
            discard(connection, "DS1", 1, NOW)
            assert connection.exec_driver_sql("SELECT count(*) FROM entity").scalar() == 0
        assert trash_is_empty(connection)
    assert instance.tables() == before
    assert kitchen.everything


def test_an_attachment_stays_as_long_as_anything_needs_its_content(
    instance: Instance, kitchen: Kitchen
) -> None:
    first = kitchen.project.attachments[0].versions[0]  # the brew has the same
    place = instance.store.attachment(str(first.sha256))
    others = [e for e in kitchen.everything if e is not kitchen.project]
    without_project = deletes(instance, *others)
    deletes(instance, *(e for e in others if e is not kitchen.brew))
    assert place.exists()
    with instance.engine.begin() as connection:
        purge(connection, [without_project])
    finish(instance)
    assert place.exists()
    assert mismatches(instance) == []
    with instance.engine.begin() as connection:
        purge(connection, expired(connection, NOW + timedelta(seconds=1)))
    finish(instance)
    assert not place.exists()
    assert mismatches(instance) == []


def test_a_purged_deletion_is_gone_with_its_files(instance: Instance, kitchen: Kitchen) -> None:
    number = deletes(instance)
    with instance.engine.begin() as connection:
        assert expired(connection, NOW) == []
        assert expired(connection, NOW + timedelta(seconds=1), "DS2") == []
        assert expired(connection, NOW + timedelta(seconds=1), "DS1") == [number]
        purge(connection, [number])
        assert trash_is_empty(connection)
        assert deletions(connection) == []
    finish(instance)
    assert in_trash(instance) == {}
    assert mismatches(instance) == []
    assert instance.rows("SELECT * FROM file_removal") == []
    assert kitchen.everything


def test_a_folder_of_the_trash_that_no_row_knows_is_removed(instance: Instance) -> None:
    stray = instance.store.trash(77) / "A" / "b"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    kept = instance.store.root / "trash" / "not ours"
    kept.mkdir()
    finish(instance)
    assert not instance.store.trash(77).exists()
    assert kept.exists()


def test_a_data_set_can_have_the_name_of_the_folder_of_files(instance: Instance) -> None:
    store = instance.store
    assert store.trashed_data_set(1, "files") != store.trashed_service_file(1, "x").parent
    names = {store.trashed_data_set(1, code).name for code in ("files", "files~", "FILES", "A~")}
    assert names == {"files~", "files~~", "FILES", "A~"}


def test_a_part_is_restored_and_the_rest_stays(instance: Instance, kitchen: Kitchen) -> None:
    number = deletes(instance)
    restoration = restores(instance, Wish(deletion=number, kind="SPACE"))
    assert restoration.counts == {"SPACE": 2}
    restoration = restores(instance, Wish(deletion=number, perm_ids=(kitchen.flour.perm_id,)))
    assert restoration.counts == {"MATERIAL": 1}
    assert instance.codes(Kind.SPACE) == {"ALPHA", "BETA"}
    with instance.engine.connect() as connection:
        (left,) = deletions(connection)
        assert "SPACE" not in left.counts
        assert left.counts["DATA_SET"] == 4
    assert restores(instance, Wish(deletion=number)).refusals == ()
    assert len(instance.entities()) == len(kitchen.everything)
    assert mismatches(instance) == []


def test_what_lies_in_something_that_is_gone_is_refused_or_brings_it(
    instance: Instance, kitchen: Kitchen
) -> None:
    number = deletes(instance)
    wish = Wish(deletion=number, perm_ids=(kitchen.raw.code,))
    restoration = restores(instance, wish)
    assert restoration.counts == {}
    assert {r.reason for r in restoration.refusals} == {
        f"lies in {place}, which was deleted with it; restore that one too: add --with-containers"
        for place in (
            "SPACE /ALPHA",
            "PROJECT /ALPHA/KITCHEN",
            f"EXPERIMENT {kitchen.trial.identifier}",
        )
    }
    assert instance.entities() == {}
    wish = Wish(deletion=number, perm_ids=(kitchen.raw.code,), containers=True)
    restoration = restores(instance, wish)
    assert restoration.counts == {
        "DATA_SET": 1,
        "EXPERIMENT": 1,
        "PROJECT": 1,
        "SPACE": 1,
        "FILE": 1,  # the experiment's text mentions it
    }
    assert instance.codes(Kind.DATA_SET) == {kitchen.raw.code}
    assert mismatches(instance) == []


def test_files_that_restored_texts_mention_are_named(instance: Instance, kitchen: Kitchen) -> None:
    places = [kitchen.alpha, kitchen.beta, kitchen.project]
    number = deletes(instance, *places)
    restoration = restores(instance, Wish(deletion=number, perm_ids=(kitchen.trial.perm_id,)))
    assert restoration.counts == {"EXPERIMENT": 1}
    assert [item.perm_id for item in restoration.left] == [kitchen.picture.path]
    assert restores(instance, Wish(deletion=number, kind="FILE")).counts == {"FILE": 1}
    assert mismatches(instance) == []


def test_what_cannot_come_back_is_refused_by_name_and_so_is_what_lies_in_it(
    instance: Instance,
) -> None:
    alpha, project, sample = a_space(), a_project(2), a_sample(7)
    trial = an_experiment(3)
    inside = a_sample(4, project="KITCHEN", experiment=Identifier(trial.identifier))
    harvest(instance, alpha, project, trial, inside, sample)
    first = deletes(instance, alpha)
    harvest(instance, alpha, a_project(22), sample)  # another one of the same name
    restoration = restores(instance, Wish(deletion=first))
    assert restoration.counts == {"EXPERIMENT": 1, "SAMPLE": 1}
    reasons = refused(restoration)
    assert reasons.keys() == {project.perm_id, sample.perm_id}
    assert reasons[project.perm_id].startswith(f"/ALPHA/KITCHEN is PROJECT {perm_id(22)} now")
    assert reasons[sample.perm_id] == "is here again, from section DS1; there is nothing to restore"
    assert instance.codes(Kind.PROJECT) == {perm_id(22)}


def test_a_refused_container_refuses_what_lies_in_it(instance: Instance) -> None:
    alpha, project, trial = a_space(), a_project(2), an_experiment(3)
    inside = a_sample(4, project="KITCHEN", experiment=Identifier(trial.identifier))
    harvest(instance, alpha, project, trial, inside)
    first = deletes(instance, project, trial, inside)
    second = deletes(instance)
    restoration = restores(instance, Wish(deletion=second))
    assert restoration.counts == {}
    assert refused(restoration).keys() == {project.perm_id, trial.perm_id, inside.perm_id}
    assert (
        f"restore that one first: harvester trash restore {first} --kind SPACE"
        in refused(restoration)[project.perm_id]
    )
    assert restores(instance, Wish(deletion=first)).counts == {"SPACE": 1}
    assert restores(instance, Wish(deletion=second)).refusals == ()


def test_a_home_that_is_nowhere_is_told(instance: Instance) -> None:
    alpha, sample = a_space(), a_sample(7)
    harvest(instance, alpha, sample)
    first = deletes(instance, alpha)
    second = deletes(instance)
    with instance.engine.begin() as connection:
        purge(connection, [second])
    reason = refused(restores(instance, Wish(deletion=first)))[sample.perm_id]
    assert reason.startswith("lies in SPACE /ALPHA, which is neither here nor in the trash")


def test_an_obstacle_is_told_and_nothing_moves(instance: Instance, kitchen: Kitchen) -> None:
    number = deletes(instance)
    with instance.engine.begin() as connection:
        restoration = restore(
            connection,
            Wish(deletion=number),
            lambda _, name: "lost" if name == kitchen.raw.code else None,
        )
    finish(instance)
    assert refused(restoration) == {kitchen.raw.code: "lost"}
    assert instance.codes(Kind.DATA_SET) == {
        e.code for e in kitchen.everything if e.kind is Kind.DATA_SET
    } - {kitchen.raw.code}
    assert mismatches(instance) == []


def test_unknown_perm_ids_are_told(instance: Instance, kitchen: Kitchen) -> None:
    number = deletes(instance)
    wish = Wish(deletion=number, kind="SPACE", perm_ids=("ALPHA", kitchen.raw.code, "NONE"))
    with instance.engine.begin() as connection:
        restoration = restore(connection, wish, nothing)
        connection.rollback()
    assert set(restoration.unknown) == {kitchen.raw.code, "NONE"}


def test_what_was_restored_stays_until_the_source_has_it_again(instance: Instance) -> None:
    alpha, project, trial = a_space(), a_project(2), an_experiment(3)
    inside = a_sample(4, project="KITCHEN", experiment=Identifier(trial.identifier))
    harvest(instance, alpha, project, trial, inside)
    number = deletes(instance, alpha, project, trial)
    restores(instance, Wish(deletion=number))
    assert plan(instance, alpha, project, trial) == {"restored": {inside.perm_id}}
    # the places in which it lies stay, too
    assert plan(instance) == {
        "restored": {inside.perm_id},
        "kept": {alpha.perm_id, project.perm_id, trial.perm_id},
    }
    with harvesting(instance, alpha, inside) as connection:
        forget_marks(connection, "DS1")
        assert marked(connection) == []
    assert plan(instance, alpha, project, trial) == {"gone": {inside.perm_id}}


def test_an_identifier_that_something_restored_has_is_taken(instance: Instance) -> None:
    alpha, sample = a_space(), a_sample(7)
    harvest(instance, alpha, sample)
    restores(instance, Wish(deletion=deletes(instance, alpha)))
    other = a_sample(8, code=sample.code)
    assert plan(instance, alpha, other) == {"taken": {other.perm_id}, "restored": {sample.perm_id}}
    with instance.engine.begin() as connection:
        assert unmark(connection, "SAMPLE", sample.perm_id)
        assert not unmark(connection, "SAMPLE", sample.perm_id)
    assert plan(instance, alpha, other) == {"new": {other.perm_id}, "gone": {sample.perm_id}}


def test_a_restored_file_is_kept_and_its_mark_goes_when_it_is_listed_again(
    instance: Instance, kitchen: Kitchen
) -> None:
    number = deletes(instance, *kitchen.everything)
    restores(instance, Wish(deletion=number))
    with harvesting(instance, *kitchen.everything) as connection:
        plan_files(connection, "DS1")
        assert counts(connection) == {(Kind.FILE, Action.RESTORED): 1}
        assert [p.perm_id for p in planned(connection, Action.RESTORED)] == [kitchen.picture.path]
        connection.exec_driver_sql(
            "INSERT INTO incoming_service_file (path, modified, length, sha256)"
            " SELECT path, modified, length, sha256 FROM service_file"
        )
        forget_marks(connection, "DS1")
        assert marked(connection) == []


def test_marks_of_what_is_not_here_any_more_go(instance: Instance) -> None:
    instance.execute("INSERT INTO restored VALUES ('SAMPLE', 'x'), ('FILE', 'y')")
    with harvesting(instance) as connection:
        forget_marks(connection, "DS1")
    assert instance.rows("SELECT * FROM restored") == []
