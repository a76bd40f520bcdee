"""What must always hold (harvester-semantics.md, 5): 1, 3, 4, 10, 12 and 15."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.ids import Code
from shared.model.kinds import Kind, Relation
from tests.support.faults.faulty_source import answering, replaced
from tests.support.instances.builders import (
    a_project,
    a_sample,
    a_space,
    an_assignment,
    an_entity_type,
    perm_id,
)
from tests.support.instances.full_instance import FullInstance, connected, full_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.servers.mailbox import mailbox

BAD_FILES = {
    "a file of a data set": (
        "/datastore_server/20240110090000050-50",
        "DATA_SET-20240110090000050-50",
    ),
    "an attachment": ("/datastore_server/attachments/SAMPLE", "SAMPLE-20240110090000004-4"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_1_a_run_that_leaves_an_item_unsynchronised_says_so_and_the_next_run_tries_it_again(
    source: Instance, full_instance: FullInstance, either: Harvest, what: str
) -> None:
    path, line = BAD_FILES[what]
    remembered = either.root / "not-synced-entities_DS1.txt"
    with source.served(answering(404, path)) as url:
        either.section("DS1", url)
        either.init()
        result = either.run()
    assert result.code == 7
    assert "PARTIAL: 1 items failed and will be tried again" in result.output
    assert remembered.read_text() == f"{line}\n"
    assert either.instance.entities().keys() | {(Kind.DATA_SET, full_instance.raw.perm_id)} == (
        source.entities().keys()
    )
    with source.served() as url:
        either.section("DS1", url)
        either.converges()
    assert remembered.read_text() == ""
    assert either.instance.bytes_held() == source.bytes_held()


def test_3_running_twice_without_changes_writes_nothing_the_second_time(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with mailbox() as box:
        either.add_properties(*box.properties)
        with source.served() as url:
            either.section("DS1", url, email_addresses="ops@example.org", deletion_allowed="true")
            either.init()
            assert either.run().code == 0
            before = either.instance.content()
            result = either.run()
        assert result.code == 0
        assert "done: nothing to do" in result.output
        assert either.instance.content() == before
        assert box.subjects == []
        with source.served(answering(401)) as url:  # that it would have been heard of
            either.section("DS1", url, email_addresses="ops@example.org")
            assert either.run().code == 4
        assert box.subjects == ["Synchronization (dry run) failed"]
    assert full_instance.everything


def test_4_adding_a_space_to_the_white_list_brings_in_all_its_old_entities(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    source.load(a_sample(71, space="BETA", project="CELLAR"))
    with source.served() as url:
        either.section("DS1", url, space_white_list="ALPHA")
        either.init()
        assert either.run().code == 0
        assert either.instance.codes(Kind.SPACE) == {"ALPHA"}
        either.section("DS1", url, space_white_list="ALPHA, BET.")
        either.converges()
    assert either.instance.entities() == source.entities()
    assert (Kind.SAMPLE, perm_id(71)) in either.instance.entities()
    assert full_instance.beta.perm_id in either.instance.codes(Kind.SPACE)


def test_4_an_entity_that_moves_into_a_white_listed_space_arrives_although_it_is_old(
    source: Instance, harvest: Harvest
) -> None:
    project = a_project(2, space="BETA")
    inside = a_sample(4, space="BETA", project="KITCHEN")
    source.load(full_master_data(), a_space(), a_space("BETA"), project, inside)
    source.add_user()
    with source.served() as url:
        harvest.section("DS1", url, space_white_list="ALPHA")
        harvest.init()
        assert harvest.run().code == 0
        assert harvest.instance.codes(Kind.SAMPLE) == set()
        alpha = Code("ALPHA")
        source.load(replace(project, space=alpha), replace(inside, space=alpha))
        harvest.converges()
    assert harvest.instance.codes(Kind.SAMPLE) == {inside.perm_id}


def test_10_a_relation_to_an_entity_outside_the_filter_is_reported_and_not_fatal(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    child, hidden = full_instance.child.perm_id, perm_id(99)
    with source.served(replaced(f'to="{child}"', f'to="{hidden}"')) as url:
        either.section("DS1", url)
        either.init()
        assert either.run().code == 0
        either.agrees()
        assert f"names {hidden} (Child), which is not in the list" in either.log()
    stored = either.instance.entities()
    assert stored[Kind.SAMPLE, full_instance.brew.perm_id].connections == ()
    # it becomes visible: the relation is there without the source having changed it
    source.load(a_sample(99))
    with source.served(replaced(f'to="{child}"', f'to="{hidden}"')) as url:
        either.section("DS1", url)
        either.converges()
    stored = either.instance.entities()
    assert stored[Kind.SAMPLE, full_instance.brew.perm_id].connections == connected(
        Relation.CHILD, hidden
    )


def test_12_a_change_within_the_same_second_as_the_list_is_found(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        assert either.run().code == 0
        # the source's clock shows the same time as when the list was read
        changed = replace(full_instance.child, properties={"NOTES": "changed at once"})
        source.load(changed)
        either.converges()
    assert either.instance.entities()[Kind.SAMPLE, changed.perm_id] == changed


@pytest.mark.parametrize("allowed", ["true", "false"])
def test_15_a_newly_mandatory_property_does_not_stop_the_run(
    source: Instance, full_instance: FullInstance, either: Harvest, allowed: str
) -> None:
    with source.served() as url:
        either.section("DS1", url, master_data_update_allowed=allowed)
        either.init()
        assert either.run().code == 0
        of_materials = an_entity_type(Kind.MATERIAL, an_assignment(mandatory=True))
        of_experiments = an_entity_type(
            Kind.EXPERIMENT, an_assignment(), an_assignment("SOLVENT", 2, mandatory=True)
        )
        source.load(replace(full_master_data(), entity_types=(of_materials, of_experiments)))
        source.load(replace(full_instance.child, properties={"NOTES": "new"}))
        result = either.run()
    assert result.code == 0, result.output
    assert either.instance.entities()[Kind.SAMPLE, full_instance.child.perm_id].properties == {
        "NOTES": "new"
    }
    types = {(t.kind, t.code): t for t in either.instance.master_data().entity_types}
    updated, extended = (
        types[Kind.MATERIAL, of_materials.code],
        types[Kind.EXPERIMENT, of_experiments.code],
    )
    assert updated.assignments[0].mandatory is (allowed == "true")
    assert [a.property_type for a in extended.assignments] == ["NOTES", "SOLVENT"]
