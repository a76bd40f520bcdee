"""The store's promise: an identifier belongs to one entity, and a reference means one perm id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harvester.openbis.destination.restoring import Wish
from shared.model.entities import Entity, ServiceFile
from shared.model.ids import Identifier
from shared.model.kinds import ENTITY_KINDS, Kind, Relation
from shared.store.changes import (
    ORIGINAL_STAMPS,
    Action,
    apply_kind,
    await_data_sets,
    compare,
    planned,
    waiting_data_sets,
)
from shared.store.engine import work
from shared.store.identity import Blocked, blocked, settle
from shared.store.incoming import Incoming
from tests.contract.passes import harvest, harvesting, plan
from tests.contract.trash_passes import deletes, restores
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_service_file,
    a_space,
    an_experiment,
    perm_id,
)
from tests.support.instances.full_instance import connected
from tests.support.instances.instance import Instance, stored_in

TUBE = Identifier("/ALPHA/TUBE")
ALPHA, BETA = a_space(), a_space("BETA")


def tube(number: int) -> Entity:
    return a_sample(number, code="TUBE")


def on_tube(number: int) -> Entity:
    return a_data_set(number, sample=TUBE)


def keeping(instance: Instance, *listed: Entity, source: str = "DS1") -> list[Blocked]:
    """A whole pass that deletes nothing; returns what could not come or move."""
    with harvesting(instance, *listed, source=source) as connection:
        settle(connection)
        found = list(blocked(connection, ENTITY_KINDS))
        for kind in ENTITY_KINDS:
            apply_kind(connection, kind, source, ORIGINAL_STAMPS)
    return found


def hanging(instance: Instance) -> dict[object, object]:
    """Perm id of the sample of each data set."""
    query = "SELECT perm_id, sample_perm_id FROM entity WHERE kind = 'DATA_SET'"
    return {code: sample_id for code, sample_id in instance.rows(query)}  # noqa: C416 - typed


def shared_identifiers(instance: Instance) -> list[tuple[object, ...]]:
    return instance.rows(
        "SELECT kind, identifier FROM entity WHERE kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')"
        " GROUP BY kind, identifier HAVING count(*) > 1"
    )


def test_a_new_entity_waits_while_what_is_gone_keeps_its_identifier(instance: Instance) -> None:
    harvest(instance, ALPHA, tube(1), on_tube(11))
    found = keeping(instance, ALPHA, tube(2), on_tube(12))
    assert [(one.perm_id, one.holder, one.subject) for one in found] == [
        (perm_id(2), perm_id(1), perm_id(1)),
        (perm_id(12), None, f"SAMPLE {perm_id(2)}"),
    ]
    assert found[0].owner == "DS1"
    assert found[0].action == Action.GONE
    assert instance.codes(Kind.SAMPLE) == {perm_id(1)}
    assert hanging(instance) == {perm_id(11): perm_id(1)}
    assert keeping(instance, ALPHA, tube(2), on_tube(12)) == found


def test_where_the_old_one_is_deleted_the_new_one_comes_in_the_same_run(
    instance: Instance,
) -> None:
    harvest(instance, ALPHA, tube(1), on_tube(11))
    harvest(instance, ALPHA, tube(2), on_tube(12))
    assert hanging(instance) == {perm_id(12): perm_id(2)}
    # only the sample is another one: the data set hangs on that then, though its text is the same
    harvest(instance, ALPHA, tube(3), on_tube(12))
    assert hanging(instance) == {perm_id(12): perm_id(3)}
    assert plan(instance, ALPHA, tube(3), on_tube(12)) == {}


def test_a_data_set_that_changes_its_sample_is_left_where_it_hangs_while_that_cannot_come(
    instance: Instance,
) -> None:
    harvest(instance, ALPHA, tube(1), on_tube(11))
    found = keeping(instance, ALPHA, tube(2), on_tube(11))
    assert [one.perm_id for one in found] == [perm_id(2), perm_id(11)]
    assert hanging(instance) == {perm_id(11): perm_id(1)}


KITCHEN = Identifier("/ALPHA/KITCHEN")
TRIAL = Identifier("/ALPHA/KITCHEN/TRIAL")


def in_kitchen(first: int) -> list[Entity]:
    """A project, an experiment in it, a sample in each, data sets on all."""
    return [
        a_project(first),
        an_experiment(first + 1, code="TRIAL"),
        a_sample(first + 2, code="BOWL", project="KITCHEN", experiment=TRIAL),
        a_sample(first + 3, code="CUP", project="KITCHEN"),
        a_data_set(first + 4, experiment=TRIAL),
        a_data_set(first + 5, sample=Identifier(f"{KITCHEN}/CUP")),
    ]


def test_all_that_lies_in_what_cannot_come_waits_with_it(instance: Instance) -> None:
    harvest(instance, ALPHA, *in_kitchen(10))
    before = instance.entities()
    found = keeping(instance, ALPHA, *in_kitchen(20))
    assert {one.perm_id for one in found} == {e.perm_id for e in in_kitchen(20)}
    assert instance.entities() == before
    harvest(instance, ALPHA, *in_kitchen(20))
    assert list(instance.entities().values()) == sorted(
        [ALPHA, *in_kitchen(20)], key=lambda entity: ENTITY_KINDS.index(entity.kind)
    )


def test_an_experiment_that_is_taken_takes_its_samples_and_data_sets_along(
    instance: Instance,
) -> None:
    old, new = in_kitchen(10), in_kitchen(20)
    harvest(instance, ALPHA, *old)
    found = keeping(instance, ALPHA, old[0], *new[1:])
    assert {one.perm_id: one.holder for one in found} == {
        perm_id(21): perm_id(11),
        perm_id(22): perm_id(12),
        perm_id(23): perm_id(13),
        perm_id(24): None,
        perm_id(25): None,
    }
    assert shared_identifiers(instance) == []


def test_components_of_what_cannot_come_wait_with_it(instance: Instance) -> None:
    harvest(instance, ALPHA, tube(1))
    link = connected(Relation.COMPONENT, perm_id(3))
    well = a_sample(3, code="A01")
    found = keeping(instance, ALPHA, replace(tube(2), connections=link), well)
    assert [(one.perm_id, one.identifier) for one in found] == [
        (perm_id(2), "/ALPHA/TUBE"),
        (perm_id(3), "/ALPHA/TUBE:A01"),
    ]


def two_places(first: str, second: str) -> list[Entity]:
    """Two projects with these codes, an experiment of the same code in each."""
    return [
        *(a_project(1, code=first), an_experiment(3, code="X", project=first)),
        *(a_project(2, code=second), an_experiment(4, code="X", project=second)),
    ]


CIRCLES: dict[str, tuple[Sequence[Entity], Sequence[Entity]]] = {
    "two samples swap": (
        [a_sample(1, code="A"), a_sample(2, code="B")],
        [a_sample(1, code="B"), a_sample(2, code="A")],
    ),
    "three in a circle": (
        [a_sample(n, code=code) for n, code in enumerate("ABC", 1)],
        [a_sample(n, code=code) for n, code in enumerate("BCA", 1)],
    ),
    "one moves away, a new one comes": (
        [a_sample(1, code="A")],
        [a_sample(1, code="B"), a_sample(2, code="A")],
    ),
    "two projects swap, with all that is in them": (
        (*two_places("A", "B"), a_data_set(5, experiment="/ALPHA/A/X")),
        (*two_places("B", "A"), a_data_set(5, experiment="/ALPHA/B/X")),
    ),
}


@pytest.mark.parametrize("what", CIRCLES)
def test_moves_that_are_possible_together_are_made_in_one_run(
    instance: Instance, what: str
) -> None:
    before, after = CIRCLES[what]
    harvest(instance, ALPHA, *before)
    assert keeping(instance, ALPHA, *after) == []
    expected = sorted([ALPHA, *after], key=lambda e: (ENTITY_KINDS.index(e.kind), e.perm_id))
    assert list(instance.entities().values()) == expected
    assert plan(instance, ALPHA, *after) == {}


def test_a_chain_of_moves_of_which_the_last_is_impossible_is_not_made(instance: Instance) -> None:
    codes = ["A", "B", "C", "D"]
    samples = [a_sample(n, code=code) for n, code in enumerate(codes, 1)]
    harvest(instance, ALPHA, *samples)
    # D is gone and stays; C wants to be D, B to be C, A to be B; E is not concerned
    moved = [a_sample(n, code=code) for n, code in enumerate(codes[1:], 1)]
    found = keeping(instance, ALPHA, *moved, a_sample(5, code="E"))
    assert [(one.perm_id, one.holder, one.subject) for one in found] == [
        (perm_id(1), None, f"SAMPLE {perm_id(2)}"),
        (perm_id(2), None, f"SAMPLE {perm_id(3)}"),
        (perm_id(3), perm_id(4), perm_id(4)),
    ]
    stored = {e.code: e.perm_id for e in instance.entities().values() if e.kind is Kind.SAMPLE}
    assert stored == {code: perm_id(n) for n, code in enumerate([*codes, "E"], 1)}
    harvest(instance, ALPHA, *moved)
    assert shared_identifiers(instance) == []
    assert plan(instance, ALPHA, *moved) == {}


def test_what_is_gone_follows_its_project_and_does_not_fall_to_another_of_the_old_name(
    instance: Instance,
) -> None:
    harvest(instance, ALPHA, *in_kitchen(10))
    project = a_project(10, code="PANTRY", space="BETA")
    new = in_kitchen(20)
    assert keeping(instance, ALPHA, BETA, project, *new) == []
    here = instance.entities()
    trial = here[Kind.EXPERIMENT, perm_id(11)]
    assert (trial.space, trial.project) == ("BETA", "PANTRY")
    bowl = here[Kind.SAMPLE, perm_id(12)]
    assert (bowl.space, bowl.project, bowl.experiment) == ("BETA", "PANTRY", "/BETA/PANTRY/TRIAL")
    assert here[Kind.DATA_SET, perm_id(14)].experiment == "/BETA/PANTRY/TRIAL"
    assert here[Kind.DATA_SET, perm_id(15)].sample == "/BETA/PANTRY/CUP"
    assert shared_identifiers(instance) == []
    # who may see the old place only does not see what has moved away
    seen = {key for kind, key in stored_in(instance, ["ALPHA"]) if kind is not Kind.SPACE}
    assert seen == {entity.perm_id for entity in new}
    assert keeping(instance, ALPHA, BETA, project, *new) == []


def test_a_project_does_not_move_while_something_in_it_cannot(instance: Instance) -> None:
    gone = a_project(30, code="PANTRY"), an_experiment(31, code="TRIAL", project="PANTRY")
    harvest(instance, ALPHA, *in_kitchen(10), *gone)
    before = instance.entities()
    moved = [a_project(10, code="PANTRY"), an_experiment(11, code="TRIAL", project="PANTRY")]
    found = keeping(instance, ALPHA, *moved)
    assert {one.perm_id: one.holder for one in found} == {
        perm_id(10): perm_id(30),
        perm_id(11): perm_id(31),
    }
    assert instance.entities() == before


def test_what_follows_its_project_comes_before_what_is_new_there(instance: Instance) -> None:
    harvest(instance, ALPHA, a_project(10), an_experiment(11, code="TRIAL"))
    renamed = a_project(10, code="PANTRY")
    found = keeping(instance, ALPHA, renamed, an_experiment(12, code="TRIAL", project="PANTRY"))
    assert [(one.perm_id, one.holder, one.name) for one in found] == [
        (perm_id(12), perm_id(11), "/ALPHA/KITCHEN/TRIAL")
    ]
    assert instance.rows("SELECT identifier FROM entity WHERE kind = 'EXPERIMENT'") == [
        ("/ALPHA/PANTRY/TRIAL",)
    ]


def test_data_sets_that_wait_for_a_sample_are_not_fetched_though_the_operator_asks(
    instance: Instance,
) -> None:
    harvest(instance, ALPHA, tube(1))
    with harvesting(instance, ALPHA, tube(2), on_tube(12)) as connection:
        settle(connection)
        await_data_sets(connection, "DS1", [perm_id(12)])
        assert waiting_data_sets(connection) == []
        assert [p.perm_id for p in planned(connection, Action.STRANDED)] == [perm_id(12)]


def test_a_reference_out_of_the_list_is_not_taken_for_what_is_called_so_here(
    instance: Instance,
) -> None:
    """The list of another instance may mean another one."""
    harvest(instance, ALPHA, tube(1))
    harvest(instance, on_tube(11), source="DS2")
    assert hanging(instance) == {perm_id(11): None}
    assert instance.entities()[Kind.DATA_SET, perm_id(11)].sample is None
    assert plan(instance, on_tube(11), source="DS2") == {}


def test_a_reference_out_of_the_list_means_what_it_meant_before(instance: Instance) -> None:
    harvest(instance, ALPHA, tube(1), on_tube(11))
    assert keeping(instance, ALPHA, on_tube(11), on_tube(12)) == []
    assert hanging(instance) == {perm_id(11): perm_id(1), perm_id(12): None}
    # the same after the one it means was renamed, and another one has the name
    harvest(instance, ALPHA, a_sample(1, code="JAR"), tube(2), a_data_set(11, sample="/ALPHA/JAR"))
    assert hanging(instance) == {perm_id(11): perm_id(1)}


def test_sections_of_one_source_may_mean_what_the_other_brought(instance: Instance) -> None:
    for name, url in (("DS1", "http://one"), ("DS2", "http://one"), ("DS3", "http://other")):
        instance.execute(f"INSERT INTO source (name, url) VALUES ('{name}', '{url}')")  # noqa: S608
    harvest(instance, ALPHA, tube(1))
    harvest(instance, on_tube(11), source="DS2")
    harvest(instance, on_tube(12), source="DS3")
    assert hanging(instance) == {perm_id(11): perm_id(1), perm_id(12): None}


def test_what_lies_in_what_another_section_has_elsewhere_waits(instance: Instance) -> None:
    harvest(instance, ALPHA, a_project(10))
    listed = a_project(10, code="PANTRY"), an_experiment(11, project="PANTRY")
    (found,) = keeping(instance, ALPHA, *listed, source="DS2")
    assert (found.perm_id, found.subject) == (perm_id(11), f"PROJECT {perm_id(10)}")
    assert found.elsewhere
    harvest(instance, ALPHA, a_project(10, code="PANTRY"))
    assert keeping(instance, ALPHA, *listed, source="DS2") == []


def test_entities_that_shared_an_identifier_before_can_still_be_updated(
    instance: Instance,
) -> None:
    """As earlier versions could leave them."""
    harvest(instance, ALPHA, tube(1))
    instance.execute(
        "INSERT INTO entity (kind, perm_id, code, identifier, space, home_space, registered,"
        " modified, frozen, properties, content_hash, source, source_modified) SELECT kind,"
        " 'OTHER', code, identifier, space, home_space, registered, modified, frozen,"
        " properties, content_hash, source, source_modified FROM entity WHERE kind = 'SAMPLE'"
    )
    other = replace(tube(1), properties={"NOTES": "other"})
    assert keeping(instance, ALPHA, other) == []
    assert instance.entities()[Kind.SAMPLE, perm_id(1)] == other


def faults_of(instance: Instance, *values: Entity | ServiceFile) -> dict[str, str]:
    """A whole pass that deletes nothing; what the list has twice, by perm id."""
    with instance.engine.connect() as connection:
        with connection.begin():
            incoming = Incoming(connection)
            for value in values:
                if isinstance(value, Entity):
                    incoming.add(value)
                else:
                    incoming.add_service_file(value)
            doubles = incoming.finish()
        with work(connection) as transaction, transaction():
            compare(connection, "DS1")
            settle(connection)
            gone = {p.perm_id for p in planned(connection, Action.GONE)}
            assert not gone & {fault.perm_id for fault in doubles.faults}
            for kind in ENTITY_KINDS:
                apply_kind(connection, kind, "DS1", ORIGINAL_STAMPS)
    return {fault.perm_id: fault.reason for fault in doubles.faults}


def test_an_identifier_that_the_list_has_twice_changes_nothing(instance: Instance) -> None:
    harvest(instance, ALPHA, tube(1), on_tube(11))
    before = instance.entities()
    other = a_sample(3, code="JAR")
    reasons = faults_of(instance, ALPHA, tube(1), tube(2), other, on_tube(11), on_tube(12))
    assert reasons.keys() == {perm_id(1), perm_id(2), perm_id(11), perm_id(12)}
    assert f"the identifier /ALPHA/TUBE also for SAMPLE {perm_id(2)}" in reasons[perm_id(1)]
    assert f"the identifier /ALPHA/TUBE also for SAMPLE {perm_id(1)}" in reasons[perm_id(2)]
    assert reasons[perm_id(12)].startswith(
        "it lies in SAMPLE /ALPHA/TUBE, which the list has twice"
    )
    assert instance.entities() == before | {(Kind.SAMPLE, perm_id(3)): other}


@pytest.mark.parametrize("kind", ["PROJECT", "EXPERIMENT"])
def test_all_that_lies_in_what_the_list_has_twice_fails_with_it(
    instance: Instance, kind: str
) -> None:
    project, *inside = in_kitchen(10)
    double = a_project(9) if kind == "PROJECT" else an_experiment(9, code="TRIAL")
    reasons = faults_of(instance, ALPHA, project, *inside, double)
    lost = {
        perm_id(n) for n in ((9, 10, 11, 12, 13, 14, 15) if kind == "PROJECT" else (9, 11, 12, 14))
    }
    assert reasons.keys() == lost


def test_a_perm_id_that_the_list_has_twice_changes_nothing(instance: Instance) -> None:
    harvest(instance, ALPHA, tube(1))
    before = instance.entities()
    link = connected(Relation.COMPONENT, perm_id(7))
    jar = a_sample(1, code="JAR", connections=link)
    reasons = faults_of(
        instance, ALPHA, tube(1), jar, a_sample(7), a_data_set(11, sample="/ALPHA/JAR")
    )
    assert reasons.keys() == {perm_id(1), perm_id(7), perm_id(11)}
    assert "more than once (entry 2, /ALPHA/TUBE; entry 3, /ALPHA/JAR)" in reasons[perm_id(1)]
    assert instance.entities() == before


def test_a_perm_id_may_stand_for_entities_of_different_kinds(instance: Instance) -> None:
    """As in each openBIS for the project, experiment and sample called DEFAULT."""
    project, experiment = a_project(1), an_experiment(1, code="TRIAL")
    default = a_sample(1, project="KITCHEN", experiment=TRIAL)
    on_default = a_data_set(2, sample=default.identifier)
    other = a_sample(2, code="JAR", connections=connected(Relation.CHILD, perm_id(1)))
    listed = (ALPHA, project, experiment, default, other, on_default)
    assert faults_of(instance, *listed) == {}
    assert instance.entities() == {(each.kind, each.perm_id): each for each in listed}
    assert deletes(instance, ALPHA, project, experiment, other) > 0
    assert instance.entities().keys() == {
        *((each.kind, each.perm_id) for each in (ALPHA, project, experiment, other))
    }


def test_the_code_of_a_data_set_may_be_that_of_a_space(instance: Instance) -> None:
    assert faults_of(instance, ALPHA, a_data_set(perm_id="ALPHA")) == {}
    assert instance.codes(Kind.DATA_SET) == {"ALPHA"}


def test_a_file_that_the_list_has_twice_is_neither_taken_nor_gone(instance: Instance) -> None:
    one, other = a_service_file("a.txt", b"one"), a_service_file("a.txt", b"other")
    assert faults_of(instance, one, a_service_file("b.txt"), other) == {
        "a.txt": "the list has this path 2 times; correct that on the data source"
    }


def test_what_is_restored_hangs_on_whom_it_hung_on(instance: Instance) -> None:
    harvest(instance, ALPHA, *in_kitchen(10))
    number = deletes(instance, ALPHA, a_project(10))
    harvest(instance, ALPHA, BETA, a_project(10, code="PANTRY", space="BETA"), *in_kitchen(20))
    assert restores(instance, Wish(deletion=number)).refusals == ()
    here = instance.entities()
    assert here[Kind.EXPERIMENT, perm_id(11)].project == "PANTRY"
    assert here[Kind.SAMPLE, perm_id(12)].experiment == "/BETA/PANTRY/TRIAL"
    assert here[Kind.DATA_SET, perm_id(15)].sample == "/BETA/PANTRY/CUP"
    assert here[Kind.DATA_SET, perm_id(25)].sample == "/ALPHA/KITCHEN/CUP"
    assert shared_identifiers(instance) == []
    seen = {key for kind, key in stored_in(instance, ["ALPHA"]) if kind is not Kind.SPACE}
    assert seen == {entity.perm_id for entity in in_kitchen(20)}


def test_a_data_set_is_not_restored_onto_another_sample_of_the_name(instance: Instance) -> None:
    harvest(instance, ALPHA, tube(1), on_tube(11))
    number = deletes(instance, ALPHA)
    harvest(instance, ALPHA, tube(2))
    restoration = restores(instance, Wish(deletion=number))
    assert restoration.counts == {}
    reasons = {refusal.item.perm_id: refusal.reason for refusal in restoration.refusals}
    assert reasons[perm_id(1)].startswith(f"/ALPHA/TUBE is SAMPLE {perm_id(2)} now")
    assert reasons[perm_id(11)].startswith("lies in SAMPLE /ALPHA/TUBE, which was deleted with it")
    assert hanging(instance) == {}
