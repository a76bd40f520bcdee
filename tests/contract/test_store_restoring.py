"""The store's promises about what comes back from the trash, and what cannot."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from harvester.openbis.destination.restoring import (
    Restoration,
    Wish,
    forget_marks,
    marked,
    restore,
    unmark,
)
from harvester.openbis.destination.trash import deletions, purge
from shared.model.ids import Identifier
from shared.model.kinds import Kind
from shared.store.changes import Action, counts, plan_files, planned
from shared.store.engine import viewing, work
from shared.store.scratch import SCHEMA
from tests.contract.passes import harvest, harvesting, plan
from tests.contract.trash_passes import deletes, finish, harvested_kitchen, nothing, restores
from tests.support.instances.builders import a_project, a_sample, a_space, an_experiment, perm_id
from tests.support.instances.files_and_rows import mismatches
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.instance import Instance


@pytest.fixture
def full_instance(instance: Instance) -> FullInstance:
    return harvested_kitchen(instance)


def refused(restoration: Restoration) -> dict[str, str]:
    return {refusal.item.perm_id: refusal.reason for refusal in restoration.refusals}


def test_a_choice_lies_in_the_scratch_tables(
    instance: Instance, full_instance: FullInstance
) -> None:
    """SQLite's own temporary database may be malformed after a rollback."""
    number = deletes(instance)
    with instance.engine.connect() as connection, work(connection) as transaction:
        with transaction():
            restored = restore(connection, Wish(deletion=number, kind="SPACE"), nothing)
        assert restored.counts == {
            "SPACE": len({full_instance.alpha.code, full_instance.beta.code})
        }
        with viewing(connection):
            query = f"SELECT count(*) FROM {SCHEMA}.chosen"  # noqa: S608
            chosen = connection.execute(text(query))
            assert chosen.scalar_one() == 2
            if connection.dialect.name == "sqlite":
                temporary = connection.execute(text("SELECT name FROM sqlite_temp_master"))
                assert temporary.all() == []


def test_a_part_is_restored_and_the_rest_stays(
    instance: Instance, full_instance: FullInstance
) -> None:
    number = deletes(instance)
    restoration = restores(instance, Wish(deletion=number, kind="SPACE"))
    assert restoration.counts == {"SPACE": 2}
    restoration = restores(instance, Wish(deletion=number, perm_ids=(full_instance.flour.perm_id,)))
    assert restoration.counts == {"MATERIAL": 1}
    assert instance.codes(Kind.SPACE) == {"ALPHA", "BETA"}
    with instance.engine.connect() as connection:
        (left,) = deletions(connection)
        assert "SPACE" not in left.counts
        assert left.counts["DATA_SET"] == 4
    assert restores(instance, Wish(deletion=number)).refusals == ()
    assert len(instance.entities()) == len(full_instance.everything)
    assert mismatches(instance) == []


def test_what_lies_in_something_that_is_gone_is_refused_or_brings_it(
    instance: Instance, full_instance: FullInstance
) -> None:
    number = deletes(instance)
    wish = Wish(deletion=number, perm_ids=(full_instance.raw.code,))
    restoration = restores(instance, wish)
    assert restoration.counts == {}
    assert {r.reason for r in restoration.refusals} == {
        f"lies in {place}, which was deleted with it; restore that one too: add --with-containers"
        for place in (
            "SPACE /ALPHA",
            "PROJECT /ALPHA/KITCHEN",
            f"EXPERIMENT {full_instance.trial.identifier}",
        )
    }
    assert instance.entities() == {}
    wish = Wish(deletion=number, perm_ids=(full_instance.raw.code,), containers=True)
    restoration = restores(instance, wish)
    assert restoration.counts == {
        "DATA_SET": 1,
        "EXPERIMENT": 1,
        "PROJECT": 1,
        "SPACE": 1,
        "FILE": 1,  # the experiment's text mentions it
    }
    assert instance.codes(Kind.DATA_SET) == {full_instance.raw.code}
    assert mismatches(instance) == []


def test_files_that_restored_texts_mention_are_named(
    instance: Instance, full_instance: FullInstance
) -> None:
    places = [full_instance.alpha, full_instance.beta, full_instance.project]
    number = deletes(instance, *places)
    restoration = restores(instance, Wish(deletion=number, perm_ids=(full_instance.trial.perm_id,)))
    assert restoration.counts == {"EXPERIMENT": 1}
    assert [item.perm_id for item in restoration.left] == [full_instance.picture.path]
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
    assert restoration.counts == {}
    reasons = refused(restoration)
    assert reasons.keys() == {e.perm_id for e in (project, trial, inside, sample)}
    assert reasons[trial.perm_id].startswith("lies in PROJECT /ALPHA/KITCHEN, which was deleted")
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


def test_an_obstacle_is_told_and_nothing_moves(
    instance: Instance, full_instance: FullInstance
) -> None:
    number = deletes(instance)
    with instance.engine.begin() as connection:
        restoration = restore(
            connection,
            Wish(deletion=number),
            lambda _, name: "lost" if name == full_instance.raw.code else None,
        )
    finish(instance)
    assert refused(restoration) == {full_instance.raw.code: "lost"}
    assert instance.codes(Kind.DATA_SET) == {
        e.code for e in full_instance.everything if e.kind is Kind.DATA_SET
    } - {full_instance.raw.code}
    assert mismatches(instance) == []


def test_unknown_perm_ids_are_told(instance: Instance, full_instance: FullInstance) -> None:
    number = deletes(instance)
    wish = Wish(deletion=number, kind="SPACE", perm_ids=("ALPHA", full_instance.raw.code, "NONE"))
    with instance.engine.begin() as connection:
        restoration = restore(connection, wish, nothing)
        connection.rollback()
    assert set(restoration.unknown) == {full_instance.raw.code, "NONE"}


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
    harvest(instance, alpha, other)
    assert instance.codes(Kind.SAMPLE) == {other.perm_id}


def test_a_restored_file_is_kept_and_its_mark_goes_when_it_is_listed_again(
    instance: Instance, full_instance: FullInstance
) -> None:
    number = deletes(instance, *full_instance.everything)
    restores(instance, Wish(deletion=number))
    with harvesting(instance, *full_instance.everything) as connection:
        plan_files(connection, "DS1")
        assert counts(connection) == {(Kind.FILE, Action.RESTORED): 1}
        assert [p.perm_id for p in planned(connection, Action.RESTORED)] == [
            full_instance.picture.path
        ]
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
