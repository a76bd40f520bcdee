"""The store's promise: nothing that lies outside of a scope is ever shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.ids import Code
from shared.model.kinds import Kind, Relation
from shared.model.master_data import DataType
from shared.store.master_data import stored_master_data
from shared.store.read import Reader, space_codes, texts_containing, within
from shared.store.tables import entity as entity_table
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_project,
    a_property_type,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.full_instance import connected
from tests.support.instances.instance import Instance, stored_in

PROJECT_ONE, PROJECT_TWO = "/ALPHA/ONE", "/ALPHA/TWO"
SCOPED = [
    a_space(),
    a_space("BETA"),
    a_project(2, code="ONE"),
    a_project(3, code="TWO"),
    a_project(4, code="ONE", space="BETA"),
    an_experiment(10, code="E", project="ONE"),
    an_experiment(11, code="E", project="TWO"),
    a_sample(20, code="IN-E", experiment="/ALPHA/ONE/E", connections=connected(
        Relation.CHILD, perm_id(21), perm_id(22), perm_id(23), perm_id(24))),
    a_sample(21, code="IN-TWO", project="TWO"),
    a_sample(22, code="IN-ALPHA"),
    a_sample(23, code="IN-BETA", space="BETA", project="ONE"),
    a_sample(24, code="SHARED", space=None, properties={"FRIEND": perm_id(23)}),
    a_data_set(30, experiment="/ALPHA/ONE/E", connections=connected(Relation.CHILD, perm_id(31))),
    a_data_set(31, sample="/ALPHA/TWO/IN-TWO"),
    a_data_set(32, sample="/ALPHA/IN-E", experiment="/ALPHA/ONE/E"),
    a_data_set(33, sample="/BETA/ONE/IN-BETA"),
    a_data_set(34, sample="/SHARED"),
    a_data_set(35, sample="/ALPHA/IN-E"),
    a_material(40),
]  # fmt: skip
EVERYWHERE = {"24", "34", "40 (A_MATERIAL_TYPE)"}
SHOWN: dict[str, tuple[list[str], list[str], set[str]]] = {
    "nothing": ([], [], set()),
    "a space": (["BETA"], [], {"BETA", "4", "23", "33"}),
    "a project": ([], [PROJECT_ONE], {"ALPHA", "2", "10", "20", "30", "32", "35"}),
    "another project": ([], [PROJECT_TWO], {"ALPHA", "3", "11", "21", "31"}),
    "a space and a project": (
        ["BETA"],
        [PROJECT_TWO],
        {"BETA", "4", "23", "33", "ALPHA", "3", "11", "21", "31"},
    ),
    "a project of a space that is shown": (
        ["BETA"], ["/BETA/ONE"], {"BETA", "4", "23", "33"},
    ),
    "all spaces": (
        ["ALPHA", "BETA"],
        [],
        {"ALPHA", "BETA", "2", "3", "4", "10", "11", "20", "21", "22", "23", "30", "31", "32", "33",
         "35"},
    ),
    "what does not exist": (["GAMMA"], ["/GAMMA/ONE"], set()),
}  # fmt: skip


@pytest.mark.parametrize("scope", SHOWN)
def test_nothing_outside_of_a_scope_is_ever_shown(instance: Instance, scope: str) -> None:
    instance.load(*SCOPED)
    spaces, projects, expected = SHOWN[scope]
    stored = stored_in(instance, spaces, projects)
    names = {str(perm_id).rpartition("-")[2] for _, perm_id in stored}
    assert names == expected | EVERYWHERE
    places = {entity.identifier for entity in stored.values()}
    for entity in stored.values():
        assert all((entity.kind, c.to) in stored for c in entity.connections)
        assert entity.experiment is None or entity.experiment in places
        assert entity.sample is None or entity.sample in places


def test_a_property_that_names_a_hidden_sample_is_not_shown(instance: Instance) -> None:
    friend = a_property_type("FRIEND", data_type=DataType.SAMPLE)
    instance.load(replace(some_master_data(), property_types=(friend,)), *SCOPED)
    with instance.engine.connect() as connection:
        codes = frozenset({friend.code})
        assert stored_master_data(connection).property_types == (friend,)
        for spaces, shown in ((("BETA",), {"FRIEND": perm_id(23)}), (("ALPHA",), {})):
            reader = Reader(connection, frozenset(map(Code, spaces)), sample_properties=codes)
            found = {e.perm_id: e for e in reader.entities(Kind.SAMPLE)}
            assert found[perm_id(24)].properties == shown


def codes(*numbers: int) -> list[Code]:
    return [Code(perm_id(number)) for number in numbers]


def test_data_sets_of_samples_are_found_within_the_scope(instance: Instance) -> None:
    instance.load(*SCOPED)
    samples = [perm_id(n) for n in (20, 21, 23, 24)]
    with instance.engine.connect() as connection:
        beta = Reader(connection, frozenset({Code("BETA")}))
        everywhere = Reader(connection, frozenset(space_codes(connection)))
        assert beta.data_sets_of(samples) == {samples[2]: codes(33), samples[3]: codes(34)}
        assert everywhere.data_sets_of(samples) == {
            samples[0]: codes(32, 35),
            samples[1]: codes(31),
            samples[2]: codes(33),
            samples[3]: codes(34),
        }


def test_texts_are_found_as_they_are_and_within_the_scope(instance: Instance) -> None:
    instance.load(
        a_space(description="x a_b%c y"),
        a_sample(properties={"ONE": "a_b%c", "TWO": "aXbYc", "THREE": "\\a_b%c"}),
    )
    everything = within(entity_table, frozenset({Code("ALPHA")}), frozenset())
    nothing = within(entity_table, frozenset(), frozenset())
    with instance.engine.connect() as connection:
        found = sorted(texts_containing(connection, everything, "a_b%c"))
        assert found == ["\\a_b%c", "a_b%c", "x a_b%c y"]
        assert list(texts_containing(connection, nothing, "a_b%c")) == []
