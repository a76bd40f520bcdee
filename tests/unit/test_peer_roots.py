"""Roots and flags of a request, and the definitions that a list for roots has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import RequestError
from shared.model.ids import Code, PermId
from shared.model.kinds import Kind
from shared.model.master_data import (
    DataType,
    MasterData,
    Plugin,
    PluginType,
    TypeGroup,
    TypeGroupMember,
)
from shared.resourcesync.roots import RootKind
from source_server.publication.referred import referred, unknown_definitions
from source_server.publication.roots import (
    MOST_ROOTS,
    NO_ROOTS,
    ROOT,
    Flag,
    Root,
    Roots,
    parse_roots,
)
from tests.support.instances.builders import (
    a_plugin,
    a_property_type,
    a_term,
    a_vocabulary,
    an_assignment,
    an_entity_type,
)

SAMPLES = {Kind.SAMPLE: frozenset({Code("A_SAMPLE_TYPE")})}


def test_a_root_is_cut_at_its_first_colon_and_trimmed() -> None:
    found = parse_roots([(ROOT, " SPACE :  A:B "), ("verb", "x"), (ROOT, "DATASET:1-2")])
    assert found.roots == (
        Root(RootKind.SPACE, PermId("A:B")),
        Root(RootKind.DATASET, PermId("1-2")),
    )
    assert found.is_asked


@pytest.mark.parametrize(
    ("values", "is_set"),
    [
        (["true"], True),
        (["TRUE"], True),
        (["false", "true"], False),
        (["yes"], False),
        ([""], False),
    ],
)
def test_the_first_value_of_a_flag_counts(values: list[str], *, is_set: bool) -> None:
    found = parse_roots([(Flag.BELOW.value, value) for value in values])
    assert (Flag.BELOW in found.flags) == is_set
    assert found.is_asked


def test_a_request_without_such_parameters_asks_for_no_roots() -> None:
    assert parse_roots([("white_list", "A"), ("verb", "resourcelist.xml")]) == NO_ROOTS


def test_too_many_or_too_long_roots_are_refused() -> None:
    with pytest.raises(RequestError, match="over 5,000 roots"):
        parse_roots([(ROOT, "SPACE:A")] * (MOST_ROOTS + 1))
    with pytest.raises(RequestError, match="over 1,100 bytes") as refused:
        parse_roots([(ROOT, "SPACE:" + "A" * 20_000)])
    assert len(str(refused.value)) < 500


def some_definitions() -> MasterData:
    """A sample type with properties of all sorts, one that it names, and what nobody needs."""
    sample_type = an_entity_type(
        Kind.SAMPLE,
        an_assignment("SOLVENT", 1, plugin="everywhere", plugin_type=PluginType.DYNAMIC_PROPERTY),
        an_assignment("FLOUR", 2),
        an_assignment("FRIEND", 3),
        validation_plugin="of_materials",
    )
    friend = replace(an_entity_type(Kind.SAMPLE, an_assignment("NOTES", 1)), code=Code("FRIENDS"))
    return MasterData(
        plugins=(
            a_plugin("everywhere", entity_kinds=()),
            Plugin(
                name="of_materials",
                type=PluginType.ENTITY_VALIDATION,
                entity_kinds=(Kind.MATERIAL,),
            ),
            a_plugin("unused"),
        ),
        vocabularies=(a_vocabulary("SOLVENT", a_term("OIL")), a_vocabulary("$UNUSED")),
        property_types=(
            a_property_type(
                "SOLVENT", data_type=DataType.CONTROLLEDVOCABULARY, vocabulary=Code("SOLVENT")
            ),
            a_property_type("FLOUR", data_type=DataType.MATERIAL),
            a_property_type("FRIEND", data_type=DataType.SAMPLE, sample_type=Code("FRIENDS")),
            a_property_type("NOTES"),
            a_property_type("UNUSED"),
        ),
        entity_types=(sample_type, friend, an_entity_type(Kind.MATERIAL)),
        type_groups=(
            TypeGroup(
                code=Code("GROUP"),
                members=(
                    TypeGroupMember(sample_type=Code("FRIENDS")),
                    TypeGroupMember(sample_type=Code("OTHERS")),
                ),
            ),
            TypeGroup(code=Code("EMPTY")),
        ),
    )


def test_a_list_has_the_definitions_that_its_entities_need_and_no_materials() -> None:
    found = referred(some_definitions(), SAMPLES, frozenset(), NO_ROOTS)

    assert [each.code for each in found.entity_types] == ["A_SAMPLE_TYPE", "FRIENDS"]
    assert [each.code for each in found.property_types] == ["SOLVENT", "FRIEND", "NOTES"]
    assert [each.code for each in found.vocabularies] == ["SOLVENT"]
    (plugin,) = found.plugins
    assert plugin.name == "everywhere"
    assert set(plugin.entity_kinds) == {Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET}
    sample_type = found.entity_types[0]
    assert sample_type.validation_plugin is None
    assert [each.property_type for each in sample_type.assignments] == ["SOLVENT", "FRIEND"]
    (group,) = found.type_groups
    assert [each.sample_type for each in group.members] == ["FRIENDS"]


def a_root(kind: RootKind, perm_id: str) -> Roots:
    return Roots(roots=(Root(kind, PermId(perm_id)),), is_asked=True)


def test_a_definition_that_is_a_root_comes_with_all_that_it_needs() -> None:
    whole = some_definitions()
    group = referred(whole, {}, frozenset(), a_root(RootKind.TYPE_GROUP, "GROUP"))
    assert [each.code for each in group.entity_types] == ["FRIENDS"]
    vocabulary = referred(whole, {}, frozenset(), a_root(RootKind.VOCABULARY_TYPE, "UNUSED"))
    assert [each.code for each in vocabulary.vocabularies] == ["$UNUSED"]


@pytest.mark.parametrize(
    "kind", [RootKind.SAMPLE_TYPE, RootKind.VOCABULARY_TYPE, RootKind.TYPE_GROUP]
)
def test_a_definition_that_does_not_exist_is_named(kind: RootKind) -> None:
    roots = a_root(kind, "NOWHERE")
    assert tuple(unknown_definitions(some_definitions(), roots)) == roots.roots
