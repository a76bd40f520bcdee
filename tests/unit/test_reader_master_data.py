"""Master data: what is read leniently, and what is a fault of one item (wire-format.md, 3.3, 6)."""

from __future__ import annotations

import pytest

from shared.errors import FormatError
from shared.model.kinds import Kind
from shared.model.master_data import MasterData, PropertyType
from shared.resourcesync.items import RecordFault
from tests.support.instances.builders import (
    a_plugin,
    a_property_type,
    a_term,
    a_vocabulary,
    an_assignment,
    an_entity_type,
)
from tests.support.instances.resource_lists import a_list, read, the_example

HEAD = (
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:rs="r" xmlns:xmd="m">'
    '<rs:md at="2024-03-05T09:14:07Z"/><url><loc>S/MASTER_DATA/MASTER_DATA/M</loc><xmd:masterData>'
)
TAIL = "</xmd:masterData></url></urlset>"


def read_blocks(inner: str) -> tuple[MasterData, list[RecordFault]]:
    _, master_data, *faults = read(f"{HEAD}{inner}{TAIL}".encode())
    assert isinstance(master_data, MasterData)
    return master_data, [fault for fault in faults if isinstance(fault, RecordFault)]


def a_block(name: str, attributes: str, inner: str = "") -> str:
    """A block with one member, whose name is that of the block without ``s``."""
    plural = {"controlledVocabulary": "controlledVocabularies"}.get(name, f"{name}s")
    return f"<xmd:{plural}><xmd:{name} {attributes}>{inner}</xmd:{name}></xmd:{plural}>"


def test_master_data_need_no_lastmod_and_may_be_empty() -> None:
    assert read_blocks("") == (MasterData(), [])


@pytest.mark.parametrize("loc", [" S/MASTER_DATA/MASTER_DATA/M\n", "S'/MASTER_DATA/MASTER_DATA/M"])
def test_blanks_and_apostrophes_in_the_loc_of_master_data_do_no_harm(loc: str) -> None:
    document = f"{HEAD}{TAIL}".replace("S/MASTER_DATA/MASTER_DATA/M", loc)
    assert read(document.encode())[1:] == [MasterData()]


def test_absent_attributes_mean_what_the_original_takes_them_for() -> None:
    assignment = '<xmd:propertyAssignment ordinal="1" propertyTypeCode="P"/>'
    assignments = f"<xmd:propertyAssignments>{assignment}</xmd:propertyAssignments>"
    found, faults = read_blocks(
        a_block("validationPlugin", 'name="p" type="DYNAMIC_PROPERTY"')
        + a_block("controlledVocabulary", 'code="V"', '<xmd:term code="T" ordinal="1"/>')
        + a_block("propertyType", 'code="P" dataType="VARCHAR"')
        + a_block("objectType", 'code="O"', assignments)
        + a_block("materialType", 'code="M"')
    )
    assert faults == []
    assert found.plugins[0].available
    assert found.plugins[0].entity_kinds == ()
    assert not found.vocabularies[0].chosen_from_list
    assert found.vocabularies[0].terms[0].registered is None
    assert found.property_types[0].label == ""
    sample_type, material_type = found.entity_types
    assert (sample_type.kind, sample_type.listable) == (Kind.SAMPLE, False)
    assert not sample_type.assignments[0].show_in_edit
    assert material_type == an_entity_type(Kind.MATERIAL, code="M", modified=None)


def test_blank_descriptions_are_none_and_others_keep_their_blanks() -> None:
    formats = (
        '<xmd:fileFormatTypes><xmd:fileFormatType code=" A " description=" "/>'
        '<xmd:fileFormatType code="B" description=" b&#10;"/></xmd:fileFormatTypes>'
    )
    types = read_blocks(formats)[0].file_format_types
    assert [(each.code, each.description) for each in types] == [("A", None), ("B", " b\n")]


@pytest.mark.parametrize("text", ["true", "TRUE", " True "])
def test_booleans_are_true_in_any_case(text: str) -> None:
    block = a_block("controlledVocabulary", f'code="V" chosenFromList="{text}"')
    assert read_blocks(block)[0].vocabularies[0].chosen_from_list


@pytest.mark.parametrize("text", ["1", "yes", "", "false"])
def test_all_other_booleans_are_false(text: str) -> None:
    block = a_block("controlledVocabulary", f'code="V" chosenFromList="{text}"')
    assert not read_blocks(block)[0].vocabularies[0].chosen_from_list


@pytest.mark.parametrize("code", ["NAME", "$NAME"])
def test_an_internal_code_gets_one_dollar_sign_and_not_two(code: str) -> None:
    attributes = f'code="{code}" managedInternally="true"'
    found, _ = read_blocks(
        a_block("controlledVocabulary", attributes)
        + a_block("propertyType", f'{attributes} dataType="DATE"')
    )
    assert (found.vocabularies[0].code, found.property_types[0].code) == ("$NAME", "$NAME")


def test_a_code_that_is_not_internal_is_kept() -> None:
    block = a_block("propertyType", 'code="NAME" dataType="DATE" managedInternally="false"')
    assert read_blocks(block)[0].property_types[0].code == "NAME"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("All", ()),
        ("", ()),
        ("MATERIAL, EXPERIMENT, SAMPLE, DATA_SET", ()),
        (" SAMPLE ,DATA_SET", (Kind.SAMPLE, Kind.DATA_SET)),
    ],
)
def test_the_kinds_of_a_plugin_are_a_list_or_all(text: str, kinds: tuple[Kind, ...]) -> None:
    attributes = f'name="p" type="DYNAMIC_PROPERTY" entityKind="{text}"'
    assert read_blocks(a_block("validationPlugin", attributes))[0].plugins[0].entity_kinds == kinds


@pytest.mark.parametrize(
    ("inner", "script"),
    [
        ("<![CDATA[a\n]]]]><![CDATA[>b ]]>", "a\n]]>b "),
        ("a &lt; b&#13;\n", "a < b\r\n"),
        ("\n   ", None),
        ("", None),
    ],
)
def test_a_script_is_the_whole_text_of_its_plugin(inner: str, script: str | None) -> None:
    block = a_block("validationPlugin", 'name="p" type="DYNAMIC_PROPERTY"', inner)
    assert read_blocks(block)[0].plugins[0].script == script


def test_a_material_property_without_type_takes_any_material() -> None:
    block = a_block("propertyType", 'code="P" dataType="MATERIAL" material=""')
    assert read_blocks(block)[0].property_types[0].material_type is None


def test_a_vocabulary_that_is_not_in_the_list_is_left_to_the_harvester() -> None:
    block = a_block("propertyType", 'code="P" dataType="CONTROLLEDVOCABULARY" vocabulary="V"')
    found, faults = read_blocks(block)
    assert isinstance(found.property_types[0], PropertyType)
    assert (found.property_types[0].vocabulary, faults) == ("V", [])


def test_assignments_come_by_ordinal() -> None:
    inner = "".join(
        f'<xmd:propertyAssignment ordinal="{n}" propertyTypeCode="P{n}"/>' for n in (3, 1, 2)
    )
    block = f"<xmd:propertyAssignments>{inner}</xmd:propertyAssignments>"
    [found] = read_blocks(a_block("objectType", 'code="O"', block))[0].entity_types
    assert [each.property_type for each in found.assignments] == ["P1", "P2", "P3"]


def test_blocks_that_come_twice_are_read_as_one() -> None:
    blocks = [a_block("fileFormatType", f'code="{code}"') for code in "AB"]
    one = '<xmd:propertyAssignments><xmd:propertyAssignment ordinal="{0}" propertyTypeCode="P{0}"/>'
    inner = "".join(f"{one.format(n)}</xmd:propertyAssignments>" for n in (1, 2))
    found, faults = read_blocks("".join([*blocks, a_block("objectType", 'code="O"', inner)]))
    assert [each.code for each in found.file_format_types] == ["A", "B"]
    assert len(found.entity_types[0].assignments) == 2
    assert faults == []


def test_blocks_may_come_in_any_order_and_under_any_prefix() -> None:
    found, _ = read_blocks(
        '<z:objectTypes xmlns:z="https://sis.id.ethz.ch/software/#openbis/xmdterms/">'
        '<z:objectType code="O"/></z:objectTypes>' + a_block("fileFormatType", 'code="A"')
    )
    assert (found.entity_types[0].code, found.file_format_types[0].code) == ("O", "A")


@pytest.mark.parametrize(
    ("block", "kind", "perm_id", "reason"),
    [
        (("fileFormatType", ""), "FILE_FORMAT_TYPE", "", "code is missing"),
        (("validationPlugin", 'name="p"'), "PLUGIN", "p", "type is missing"),
        (("validationPlugin", 'type="DYNAMIC_PROPERTY"'), "PLUGIN", "", "name is missing"),
        (("validationPlugin", 'name="p" type="X"'), "PLUGIN", "p", "'X', not one of DYNAMIC"),
        (
            ("validationPlugin", 'name="p" type="DYNAMIC_PROPERTY" entityKind="SPACE"'),
            *("PLUGIN", "p", "entityKind names 'SPACE'"),
        ),
        (("controlledVocabulary", 'registrator="a"'), "VOCABULARY", "", "code is missing"),
        (
            ("controlledVocabulary", 'code="V" registration-timestamp="soon"'),
            *("VOCABULARY", "V", "registration-timestamp cannot be read"),
        ),
        (("propertyType", 'code="P"'), "PROPERTY_TYPE", "P", "dataType is missing"),
        (("propertyType", 'code="P" dataType="X"'), "PROPERTY_TYPE", "P", "dataType is 'X'"),
        (
            ("propertyType", 'code="P" dataType="CONTROLLEDVOCABULARY" managedInternally="true"'),
            *("PROPERTY_TYPE", "$P", "vocabulary is missing"),
        ),
        (("objectType", 'showParents="true"'), "SAMPLE_TYPE", "", "code is missing"),
        (("dataSetType", 'code="D" modification-timestamp="x"'), "DATA_SET_TYPE", "D", "'x'"),
        (("externalDataManagementSystem", 'code="E"'), "EXTERNAL_DMS", "E", "addressType is mis"),
        (
            ("externalDataManagementSystem", 'code="E" addressType="FTP"'),
            *("EXTERNAL_DMS", "E", "'FTP', not one of OPENBIS, URL, FILE_SYSTEM"),
        ),
    ],
)
def test_an_item_that_cannot_be_read_is_a_fault(
    block: tuple[str, str], kind: str, perm_id: str, reason: str
) -> None:
    found, [fault] = read_blocks(a_block(*block))
    assert found == MasterData()
    assert (fault.kind, fault.perm_id) == (kind, perm_id)
    assert reason in fault.reason


@pytest.mark.parametrize("ordinal", ["", 'ordinal=""', 'ordinal="one"', 'ordinal="1.5"'])
def test_terms_and_assignments_without_ordinal_are_faults_beside_the_others(ordinal: str) -> None:
    term = '<xmd:term code="A" ordinal="1"/>'
    assignment = '<xmd:propertyAssignment propertyTypeCode="P" ordinal="1"/>'
    spoiled = (
        term.replace('"A" ordinal="1"', f'"B" {ordinal}'),
        assignment.replace('"P" ordinal="1"', f'"Q" {ordinal}'),
    )
    assignments = f"<xmd:propertyAssignments>{assignment}{spoiled[1]}</xmd:propertyAssignments>"
    found, faults = read_blocks(
        a_block("controlledVocabulary", 'code="V"', term + spoiled[0])
        + a_block("objectType", 'code="O"', assignments)
    )
    assert [each.code for each in found.vocabularies[0].terms] == ["A"]
    assert [each.property_type for each in found.entity_types[0].assignments] == ["P"]
    assert [(fault.kind, fault.perm_id) for fault in faults] == [
        ("TERM", "V/B"),
        ("SAMPLE_TYPE_ASSIGNMENT", "O/Q"),
    ]


def test_of_two_definitions_the_first_counts_and_the_second_is_a_fault() -> None:
    internal = 'code="P" managedInternally="true"'
    first, second = (f'{internal} dataType="{each}"' for each in ("DATE", "XML"))
    found, [fault] = read_blocks(a_block("propertyType", first) + a_block("propertyType", second))
    assert [each.data_type for each in found.property_types] == ["DATE"]
    assert (fault.kind, fault.perm_id) == ("PROPERTY_TYPE", "$P")
    assert "defined twice" in fault.reason


def test_a_block_of_which_nothing_can_be_read_is_no_master_data() -> None:
    types = "".join(f'<xmd:propertyType code="P{n}" datatype="DATE"/>' for n in range(3))
    with pytest.raises(FormatError, match=r"none of 3 PROPERTY_TYPE .* P0: .* dataType is missing"):
        read_blocks(f"<xmd:propertyTypes>{types}</xmd:propertyTypes>")


def test_the_master_data_of_the_example_are_what_it_says() -> None:
    found = read(the_example())[1]
    assert isinstance(found, MasterData)
    sizes = (len(found.plugins), len(found.vocabularies), len(found.property_types))
    assert sizes == (3, 2, 19)
    assert [each.code for each in found.vocabularies if each.internal] == ["$BENCH_STATE"]
    assert [each.code for each in found.property_types if each.internal] == ["$NAME"]
    assert [len(found.types_of(kind)) for kind in (Kind.SAMPLE, Kind.DATA_SET)] == [2, 3]
    assert len(found.types_of(Kind.SAMPLE)[0].assignments) == 11


def test_builders_and_reader_agree_on_what_is_usual() -> None:
    usual = MasterData(
        plugins=(a_plugin(),),
        vocabularies=(a_vocabulary("SOLVENT", a_term()),),
        property_types=(a_property_type("$NAME"),),
        entity_types=(an_entity_type(Kind.SAMPLE, an_assignment("$NAME")),),
    )
    assert read(a_list([usual]))[1:] == [usual]
