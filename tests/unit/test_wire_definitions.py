"""Definitions of openBIS 7: several values, meta data, patterns, internal flags, type groups
(docs/format.md)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import ItemError
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    MasterData,
    PatternType,
    PropertyAssignment,
    TypeGroup,
    TypeGroupMember,
)
from shared.resourcesync.items import RecordFault
from shared.resourcesync.v20.master_data_writer import master_data_entry
from tests.support.instances.builders import (
    a_property_type,
    a_term,
    a_type_group,
    a_vocabulary,
    an_assignment,
    an_entity_type,
    some_master_data,
)
from tests.support.instances.resource_lists import ADDRESSES, AT, read

STAMPS = 'registration-timestamp="2024-01-10T09:00:00Z" registrator="mira"'
GROUP_STAMPS = (
    'registrator="mira" registration-timestamp="2024-01-10T09:00:00Z"'
    ' modification-timestamp="2024-02-03T12:00:00Z"'
)
HEAD = (
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:rs="r" xmlns:xmd="m">'
    '<rs:md at="2024-03-05T09:14:07Z"/><url><loc>S/MASTER_DATA/MASTER_DATA/M</loc><xmd:masterData>'
)
TAIL = "</xmd:masterData></url></urlset>"
PROPERTY = 'code="P" dataType="VARCHAR"'
ENTRY = '<xmd:entry key="k">v</xmd:entry>'


def written(**fields: Any) -> str:
    return master_data_entry(ADDRESSES, MasterData(**fields), AT)


def read_blocks(inner: str) -> tuple[MasterData, list[RecordFault]]:
    _, master_data, *faults = read(f"{HEAD}{inner}{TAIL}".encode())
    assert isinstance(master_data, MasterData)
    return master_data, [fault for fault in faults if isinstance(fault, RecordFault)]


def a_property(attributes: str = "", inner: str = "") -> str:
    element = f"<xmd:propertyType {PROPERTY} {attributes}>{inner}</xmd:propertyType>"
    return f"<xmd:propertyTypes>{element}</xmd:propertyTypes>"


def an_object_type(assignment: str = "", inner: str = "") -> str:
    element = f'<xmd:propertyAssignment ordinal="1" propertyTypeCode="P" {assignment}/>'
    assignments = f"<xmd:propertyAssignments>{element}</xmd:propertyAssignments>"
    return (
        f'<xmd:objectTypes><xmd:objectType code="O">{inner}{assignments}</xmd:objectType>'
        "</xmd:objectTypes>"
    )


def groups(*inner: str, attributes: str = "") -> str:
    """A block with the groups G1, G2 and so on."""
    members = "".join(
        f'<xmd:typeGroup code="G{number}">{each}</xmd:typeGroup>'
        for number, each in enumerate(inner, start=1)
    )
    return f"<xmd:typeGroups {attributes}>{members}</xmd:typeGroups>"


def members(*codes: str) -> str:
    each = "".join(f'<xmd:typeGroupAssignment objectTypeCode="{code}"/>' for code in codes)
    return f"<xmd:typeGroupAssignments>{each}</xmd:typeGroupAssignments>"


def test_a_property_type_says_whether_it_has_several_values_and_lists_its_meta_data_by_key() -> (
    None
):
    several = a_property_type("P", multi_value=True, meta_data={"unit": "<nm>", "a": ""})
    assert (
        f'<xmd:propertyType code="P" dataType="VARCHAR" description="" label="P"'
        f' managedInternally="false" {STAMPS} multiValue="true"><xmd:metaData>'
        '<xmd:entry key="a"></xmd:entry><xmd:entry key="unit">&lt;nm&gt;</xmd:entry>'
        "</xmd:metaData></xmd:propertyType>"
    ) in written(property_types=(several,))
    single = a_property_type("P", multi_value=False, meta_data={})
    assert (' multiValue="false"><xmd:metaData/></xmd:propertyType>') in written(
        property_types=(single,)
    )


def test_what_openbis_20_10_does_not_know_is_not_written_if_there_is_none() -> None:
    master_data = written(
        property_types=(a_property_type("P"),),
        vocabularies=(a_vocabulary("V", a_term()),),
        entity_types=(an_entity_type(Kind.SAMPLE, an_assignment()),),
    )
    for name in ("multiValue", "metaData", "pattern", "typeGroup", 'managedInternally="true"'):
        assert name not in master_data


def test_types_terms_and_assignments_of_openbis_itself_are_marked_and_have_patterns() -> None:
    assignment = an_assignment(
        pattern="[A-Z]\n.*", pattern_type=PatternType.PATTERN, internal=True, unique=True
    )
    entry = written(
        vocabularies=(a_vocabulary("$V", a_term(internal=True)),),
        entity_types=(
            an_entity_type(Kind.SAMPLE, assignment, internal=True, meta_data={"k": "v"}),
            an_entity_type(Kind.DATA_SET, internal=True),
        ),
    )
    assert f'ordinal="1" {STAMPS} managedInternally="true"/>' in entry
    assert (
        'modification-timestamp="2024-02-03T12:00:00Z" managedInternally="true">'
        '<xmd:metaData><xmd:entry key="k">v</xmd:entry></xmd:metaData><xmd:propertyAssignments>'
    ) in entry
    assert (
        'unique="true" pattern="[A-Z]&#10;.*" patternType="PATTERN" managedInternally="true"/>'
    ) in entry
    assert '<xmd:dataSetType code="A_DATA_SET_TYPE"' in entry
    assert entry.count('managedInternally="true"') == 5


def test_type_groups_come_last_by_code_with_their_members_by_code() -> None:
    group = a_type_group("G10", "WELL", "PLATE", meta_data={"colour": "green"})
    empty = a_type_group("G9", internal=True, registrator=None, registered=None, modified=None)
    entry = written(type_groups=(group, empty), property_types=(a_property_type(),))
    assert entry.endswith(
        '<xmd:typeGroups whole="true"><xmd:typeGroup code="G9" managedInternally="true"/>'
        f'<xmd:typeGroup code="G10" managedInternally="false" {GROUP_STAMPS}>'
        '<xmd:metaData><xmd:entry key="colour">green</xmd:entry></xmd:metaData>'
        '<xmd:typeGroupAssignments><xmd:typeGroupAssignment objectTypeCode="PLATE"'
        ' managedInternally="false"/><xmd:typeGroupAssignment objectTypeCode="WELL"'
        ' managedInternally="false"/></xmd:typeGroupAssignments></xmd:typeGroup>'
        "</xmd:typeGroups></xmd:masterData></url>"
    )


def test_groups_that_may_lack_members_are_not_said_to_be_whole() -> None:
    entry = written(type_groups=(a_type_group("G"),), type_groups_are_whole=False)
    assert "<xmd:typeGroups><xmd:typeGroup " in entry
    assert not read_blocks(groups(""))[0].type_groups_are_whole
    assert read_blocks(groups("", attributes='whole="true"'))[0].type_groups_are_whole
    assert read_blocks("")[0].type_groups_are_whole


@pytest.mark.parametrize(
    ("fields", "kind", "name"),
    [
        (
            {"property_types": (a_property_type("$P", meta_data={"k": "\0"}),)},
            "PROPERTY_TYPE",
            "$P",
        ),
        ({"type_groups": (a_type_group("G", meta_data={"\0": ""}),)}, "TYPE_GROUP", "G"),
        ({"type_groups": (a_type_group("G", "\0"),)}, "TYPE_GROUP", "G"),
        (
            {"entity_types": (an_entity_type(Kind.SAMPLE, an_assignment(pattern="\0")),)},
            *("SAMPLE_TYPE_ASSIGNMENT", "A_SAMPLE_TYPE/NOTES"),
        ),
        (
            {"entity_types": (an_entity_type(Kind.DATA_SET, meta_data={"k": "\0"}),)},
            *("DATA_SET_TYPE", "A_DATA_SET_TYPE"),
        ),
    ],
)
def test_a_forbidden_character_is_refused_with_the_definition_named(
    fields: dict[str, Any], kind: str, name: str
) -> None:
    with pytest.raises(ItemError, match=r"U\+0000 at position 0") as caught:
        written(**fields)
    assert (caught.value.kind, caught.value.perm_id) == (kind, name)


def test_what_a_list_does_not_say_is_unknown() -> None:
    found, faults = read_blocks(a_property() + an_object_type())
    assert faults == []
    assert (found.property_types[0].multi_value, found.property_types[0].meta_data) == (None, None)
    (entity_type,) = found.entity_types
    assert (entity_type.meta_data, entity_type.internal) == (None, False)
    assert entity_type.assignments == (
        PropertyAssignment(property_type=Code("P"), ordinal=1, show_in_edit=False),
    )


def test_no_meta_data_are_known_to_be_none() -> None:
    found, _ = read_blocks(
        a_property('multiValue="false"', "<xmd:metaData/>")
        + an_object_type(inner="<xmd:metaData></xmd:metaData>")
    )
    assert (found.property_types[0].multi_value, found.property_types[0].meta_data) == (False, {})
    assert found.entity_types[0].meta_data == {}


def test_meta_data_keep_their_blanks_and_may_have_a_blank_key() -> None:
    entries = '<xmd:entry key=""> a&#13;\n</xmd:entry><xmd:entry key=" k "/>'
    found, _ = read_blocks(a_property(inner=f"<xmd:metaData>\n{entries}</xmd:metaData>"))
    assert found.property_types[0].meta_data == {"": " a\r\n", " k ": ""}


def test_meta_data_are_taken_from_the_children_of_a_definition_only() -> None:
    spoiled = f"<xmd:other><xmd:metaData>{ENTRY}</xmd:metaData></xmd:other>"
    found, faults = read_blocks(a_property(inner=spoiled))
    assert (found.property_types[0].meta_data, faults) == (None, [])


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        ("<xmd:metaData/><xmd:metaData/>", "has xmd:metaData twice"),
        ("<xmd:metaData><xmd:note/></xmd:metaData>", "has an element xmd:note"),
        ("<xmd:metaData><xmd:entry>v</xmd:entry></xmd:metaData>", "has no key"),
        (f"<xmd:metaData>{ENTRY}{ENTRY}</xmd:metaData>", "has the key 'k' twice"),
        (
            '<xmd:metaData><xmd:entry key="k">v<b/>w</xmd:entry></xmd:metaData>',
            "has elements within the entry 'k'",
        ),
    ],
)
def test_meta_data_that_could_be_read_wrongly_make_their_definition_a_fault(
    inner: str, reason: str
) -> None:
    for block, kind, name in (
        (a_property(inner=inner), "PROPERTY_TYPE", "P"),
        (an_object_type(inner=inner), "SAMPLE_TYPE", "O"),
        (groups(inner), "TYPE_GROUP", "G1"),
    ):
        found, [fault] = read_blocks(block)
        assert found.property_types + found.entity_types + found.type_groups == ()
        assert (fault.kind, fault.perm_id) == (kind, name)
        assert reason in fault.reason


@pytest.mark.parametrize("text", ["TRUE", "yes", "1"])
def test_several_values_and_unique_are_true_or_false_and_nothing_else(text: str) -> None:
    for block, kind, name in (
        (a_property(f'multiValue="{text}"'), "PROPERTY_TYPE", "P"),
        (an_object_type(f'unique="{text}"'), "SAMPLE_TYPE_ASSIGNMENT", "O/P"),
    ):
        _, [fault] = read_blocks(block)
        assert (fault.kind, fault.perm_id) == (kind, name)
        assert f"is '{text}', neither true nor false" in fault.reason


def test_a_pattern_is_read_as_it_stands_and_its_type_must_be_known() -> None:
    found, _ = read_blocks(an_object_type('pattern=" 1-10, &quot;a&quot; " patternType="RANGES"'))
    (assignment,) = found.entity_types[0].assignments
    assert (assignment.pattern, assignment.pattern_type) == (' 1-10, "a" ', PatternType.RANGES)
    _, [fault] = read_blocks(an_object_type('pattern="x" patternType="GLOB"'))
    assert (fault.kind, fault.perm_id) == ("SAMPLE_TYPE_ASSIGNMENT", "O/P")
    assert "'GLOB', not one of PATTERN, VALUES, RANGES" in fault.reason


def test_type_groups_are_read_with_their_members() -> None:
    member = '<xmd:typeGroupAssignment objectTypeCode=" WELL " managedInternally="true"/>'
    inner = f"<xmd:typeGroupAssignments>{member}</xmd:typeGroupAssignments>"
    found, faults = read_blocks(groups(f"<xmd:metaData/>{inner}", ""))
    assert faults == []
    assert found.type_groups == (
        TypeGroup(
            code=Code("G1"),
            meta_data={},
            members=(TypeGroupMember(sample_type=Code("WELL"), internal=True),),
        ),
        TypeGroup(code=Code("G2")),
    )


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (members("A") + members("B"), "has xmd:typeGroupAssignments twice"),
        (members("A", "A"), "has the sample type A twice"),
        (members("A", ""), "objectTypeCode is missing"),
        (members("X" * 600), "the sample type has 600 bytes"),
        (
            "<xmd:typeGroupAssignments><xmd:member/></xmd:typeGroupAssignments>",
            "has an element xmd:member",
        ),
    ],
)
def test_a_group_of_which_a_member_cannot_be_read_is_a_fault_as_a_whole(
    inner: str, reason: str
) -> None:
    found, [fault] = read_blocks(groups(inner, members("B")))
    assert [each.code for each in found.type_groups] == ["G2"]
    assert (fault.kind, fault.perm_id) == ("TYPE_GROUP", "G1")
    assert reason in fault.reason


def test_a_group_that_is_listed_twice_is_a_fault() -> None:
    twice = groups("").replace("</xmd:typeGroups>", '<xmd:typeGroup code="G1"/></xmd:typeGroups>')
    found, [fault] = read_blocks(twice)
    assert [each.code for each in found.type_groups] == ["G1"]
    assert "defined twice" in fault.reason


@pytest.mark.parametrize("code", ["$NAME", "NAME"])
def test_an_internal_code_with_its_sign_is_the_same_as_one_without(code: str) -> None:
    """Lists of openBIS 7 have the sign, those of 20.10 do not."""
    known = f'code="{code}" managedInternally="true"'
    other = 'code="$NAME" managedInternally="true"'
    definition = f'<xmd:propertyType {known} dataType="DATE"/>'
    found, [fault] = read_blocks(
        f'<xmd:propertyTypes>{definition}<xmd:propertyType {other} dataType="XML"/>'
        "</xmd:propertyTypes>"
    )
    assert [(each.code, each.internal) for each in found.property_types] == [("$NAME", True)]
    assert (fault.perm_id, "defined twice" in fault.reason) == ("$NAME", True)


def test_a_whole_list_with_all_of_it_is_read_as_it_was_written() -> None:
    whole = some_master_data(type_groups=(a_type_group("G", "A_SAMPLE_TYPE", meta_data={}),))
    entry = master_data_entry(ADDRESSES, whole, AT)
    inner = entry[entry.index("<xmd:masterData>") :].removeprefix("<xmd:masterData>")
    found, faults = read_blocks(inner.removesuffix("</xmd:masterData></url>"))
    assert (found.type_groups, faults) == (whole.type_groups, [])
