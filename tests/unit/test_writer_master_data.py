"""Master data, byte for byte, from the tables (wire-format.md, 3.3, 3.4, 4)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import ItemError
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    AddressType,
    DataType,
    ExternalDms,
    FileFormatType,
    MasterData,
    PluginType,
)
from shared.resourcesync.v20.master_data_writer import master_data_entry
from shared.resourcesync.v20.natural_order import natural_key
from tests.support.instances.builders import (
    a_plugin,
    a_property_type,
    a_term,
    a_vocabulary,
    an_assignment,
    an_entity_type,
    some_master_data,
)
from tests.support.instances.resource_lists import ADDRESSES, AT, SERVER

STAMP = 'registration-timestamp="2024-01-10T09:00:00Z"'
STAMPS = f'{STAMP} registrator="mira"'
MODIFICATION = 'modification-timestamp="2024-02-03T12:00:00Z"'


def blocks(**fields: Any) -> str:
    """What stands in ``xmd:masterData``."""
    entry = master_data_entry(ADDRESSES, MasterData(**fields), AT)
    before = (
        f"<url><loc>{SERVER}/MASTER_DATA/MASTER_DATA/M</loc>"
        "<lastmod>2024-03-05T09:14:07Z</lastmod><xmd:masterData>"
    )
    after = "</xmd:masterData></url>"
    assert entry.startswith(before)
    assert entry.endswith(after)
    return entry.removeprefix(before).removesuffix(after)


def test_no_master_data_is_an_empty_element() -> None:
    assert master_data_entry(ADDRESSES, MasterData(), AT).endswith("<xmd:masterData/></url>")


def test_file_format_types_come_by_code() -> None:
    types = (FileFormatType(code=Code("XML")), FileFormatType(code=Code("HDF5"), description="h"))
    assert blocks(file_format_types=types) == (
        '<xmd:fileFormatTypes><xmd:fileFormatType code="HDF5" description="h"/>'
        '<xmd:fileFormatType code="XML"/></xmd:fileFormatTypes>'
    )


def test_a_plugin_repeats_its_registration_as_modification() -> None:
    plugin = a_plugin(description="rejects", entity_kinds=(Kind.SAMPLE,), script="a\n< b")
    assert blocks(plugins=(plugin,)) == (
        '<xmd:validationPlugins><xmd:validationPlugin description="rejects" entityKind="SAMPLE"'
        f' isAvailable="true" name="check_ph" type="ENTITY_VALIDATION" {STAMP}'
        ' modification-timestamp="2024-01-10T09:00:00Z"><![CDATA[a\n< b]]>'
        "</xmd:validationPlugin></xmd:validationPlugins>"
    )


def test_a_plugin_for_any_kind_names_all_four_and_without_script_has_no_content() -> None:
    plugin = a_plugin("b", type=PluginType.DYNAMIC_PROPERTY, available=False, registered=None)
    assert blocks(plugins=(plugin,)) == (
        '<xmd:validationPlugins><xmd:validationPlugin entityKind="MATERIAL, EXPERIMENT, SAMPLE,'
        ' DATA_SET" isAvailable="false" name="b" type="DYNAMIC_PROPERTY"/>'
        "</xmd:validationPlugins>"
    )


@pytest.mark.parametrize(
    ("script", "written"),
    [
        ("a]]>b", "<![CDATA[a]]]]><![CDATA[>b]]>"),
        ("a\r\n<b>]]>&", "a&#13;\n&lt;b&gt;]]&gt;&amp;"),
    ],
)
def test_a_script_that_one_cdata_section_cannot_hold_is_still_whole(
    script: str, written: str
) -> None:
    assert f">{written}</xmd:validationPlugin>" in blocks(plugins=(a_plugin(script=script),))


def test_a_vocabulary_with_its_terms_by_code_and_their_addresses() -> None:
    vocabulary = a_vocabulary(
        "SOLVENT",
        a_term("WATER", 1, label="Water"),
        a_term("ACETONE", 2, description="handle with care", registrator=None, registered=None),
        description="poured",
        chosen_from_list=False,
        url_template="https://c/${term}/$term$",
    )
    assert blocks(vocabularies=(vocabulary,)) == (
        '<xmd:controlledVocabularies><xmd:controlledVocabulary chosenFromList="false"'
        ' code="SOLVENT" description="poured" managedInternally="false"'
        f' urlTemplate="https://c/${{term}}/$term$" {STAMPS} {MODIFICATION}>'
        '<xmd:term code="ACETONE" description="handle with care" ordinal="2"'
        ' registrator="system" url="https://c/ACETONE/ACETONE"/>'
        f'<xmd:term code="WATER" label="Water" ordinal="1" {STAMPS} url="https://c/WATER/WATER"/>'
        "</xmd:controlledVocabulary></xmd:controlledVocabularies>"
    )


def test_an_internal_vocabulary_is_defined_without_the_dollar_sign() -> None:
    assert blocks(vocabularies=(a_vocabulary("$STATE"),)) == (
        '<xmd:controlledVocabularies><xmd:controlledVocabulary chosenFromList="true" code="STATE"'
        f' managedInternally="true" {STAMPS} {MODIFICATION}/></xmd:controlledVocabularies>'
    )


def property_type(**fields: Any) -> str:
    """One property type without the attributes that all have."""
    written = blocks(property_types=(a_property_type("$X", description="d", **fields),))
    data_type = fields.get("data_type", DataType.VARCHAR)
    before = (
        f'<xmd:propertyTypes><xmd:propertyType code="X" dataType="{data_type}" description="d"'
        f' label="X" managedInternally="true" {STAMPS}'
    )
    assert written.startswith(before)
    return written.removeprefix(before).removesuffix("/></xmd:propertyTypes>")


def test_a_property_type_names_what_its_data_type_needs() -> None:
    vocabulary = {"data_type": DataType.CONTROLLEDVOCABULARY, "vocabulary": Code("$STATE")}
    assert property_type() == ""
    assert property_type(**vocabulary) == ' vocabulary="$STATE"'
    assert property_type(data_type=DataType.MATERIAL) == ' material=""'
    material = {"data_type": DataType.MATERIAL, "material_type": Code("REAGENT")}
    assert property_type(**material) == ' material="REAGENT"'


def test_a_property_type_carries_what_the_original_leaves_out() -> None:
    sample = {"data_type": DataType.SAMPLE, "sample_type": Code("BREW")}
    xml = {"data_type": DataType.XML, "schema": "<s/>", "transformation": "<t/>"}
    assert property_type(**sample) == ' sampleType="BREW"'
    assert property_type(data_type=DataType.SAMPLE) == ""
    assert property_type(**xml) == ' schema="&lt;s/>" transformation="&lt;t/>"'


def test_a_property_type_always_has_description_and_registrator() -> None:
    bare = a_property_type("PH", registrator=None, registered=None)
    assert blocks(property_types=(bare,)) == (
        '<xmd:propertyTypes><xmd:propertyType code="PH" dataType="VARCHAR" description=""'
        ' label="Ph" managedInternally="false" registrator="system"/></xmd:propertyTypes>'
    )


def test_a_sample_type_with_assignments_by_ordinal() -> None:
    plugin = {"plugin": "age", "plugin_type": PluginType.DYNAMIC_PROPERTY}
    second = an_assignment("PH", 2, section="S", show_in_edit=False, unique=True, **plugin)
    first = an_assignment("$NAME", 1, mandatory=True, show_raw_value=True)
    brew = an_entity_type(
        *(Kind.SAMPLE, second, first),
        code="BREW",
        description="in a jar",
        auto_generated_code=True,
        generated_code_prefix="BRW",
        show_parents=True,
        validation_plugin="check_ph",
    )
    assert blocks(entity_types=(brew,)) == (
        '<xmd:objectTypes><xmd:objectType code="BREW" description="in a jar"'
        ' autoGeneratedCode="true" generatedCodePrefix="BRW" listable="true"'
        ' showContainer="false" showParentMetadata="false" showParents="true"'
        f' subcodeUnique="false" validationPlugin="check_ph" {MODIFICATION}>'
        '<xmd:propertyAssignments><xmd:propertyAssignment mandatory="true" ordinal="1"'
        f' propertyTypeCode="$NAME" showInEdit="true" showRawValueInForms="true" {STAMP}/>'
        '<xmd:propertyAssignment mandatory="false" ordinal="2" plugin="age"'
        ' pluginType="DYNAMIC_PROPERTY" propertyTypeCode="PH" section="S" showInEdit="false"'
        f' showRawValueInForms="false" {STAMP} unique="true"/></xmd:propertyAssignments>'
        "</xmd:objectType></xmd:objectTypes>"
    )


def test_the_other_types_stand_in_their_own_blocks_in_order() -> None:
    types = (
        an_entity_type(Kind.MATERIAL, code="REAGENT", validation_plugin="v"),
        an_entity_type(
            Kind.DATA_SET,
            code="RAW",
            deletion_disallowed=True,
            main_data_set_path="original",
            main_data_set_pattern=r".*\.csv",
            validation_plugin="v",
        ),
        an_entity_type(Kind.EXPERIMENT, code="TRIAL", validation_plugin="v", modified=None),
    )
    none = "<xmd:propertyAssignments/>"
    assert blocks(entity_types=types) == (
        f'<xmd:collectionTypes><xmd:collectionType code="TRIAL" validationPlugin="v">{none}'
        "</xmd:collectionType></xmd:collectionTypes>"
        '<xmd:dataSetTypes><xmd:dataSetType code="RAW" deletionDisallowed="true"'
        r' mainDataSetPath="original" mainDataSetPattern=".*\.csv" validationPlugin="v"'
        f" {MODIFICATION}>{none}</xmd:dataSetType></xmd:dataSetTypes>"
        f'<xmd:materialTypes><xmd:materialType code="REAGENT" validationPlugin="v" {MODIFICATION}>'
        f"{none}</xmd:materialType></xmd:materialTypes>"
    )


def test_external_data_management_systems_keep_their_order() -> None:
    systems = (
        ExternalDms(code=Code("B"), address="h:/srv", address_type=AddressType.FILE_SYSTEM),
        ExternalDms(code=Code("A"), address="", address_type=AddressType.URL, label="l"),
    )
    assert blocks(external_dms=systems) == (
        '<xmd:externalDataManagementSystems><xmd:externalDataManagementSystem address="h:/srv"'
        ' addressType="FILE_SYSTEM" code="B"/><xmd:externalDataManagementSystem address=""'
        ' addressType="URL" code="A" label="l"/></xmd:externalDataManagementSystems>'
    )


def test_the_blocks_come_in_the_order_of_the_format() -> None:
    whole = some_master_data(
        file_format_types=(FileFormatType(code=Code("XML")),),
        plugins=(a_plugin(),),
        vocabularies=(a_vocabulary(),),
        external_dms=(ExternalDms(code=Code("A"), address="", address_type=AddressType.URL),),
    )
    entry = master_data_entry(ADDRESSES, whole, AT)
    order = [
        *("fileFormatTypes", "validationPlugins", "controlledVocabularies", "propertyTypes"),
        *("objectTypes", "collectionTypes", "dataSetTypes", "materialTypes"),
        "externalDataManagementSystems",
    ]
    places = [entry.index(f"<xmd:{name}>") for name in order]
    assert places == sorted(places)


def test_digit_runs_compare_as_numbers_and_the_dollar_sign_comes_first() -> None:
    codes = ["A10", "B", "A9", "$Z", "A09", "A", "A9B", f"A{'9' * 5000}"]
    ordered = ["$Z", "A", "A09", "A9", "A9B", "A10", f"A{'9' * 5000}", "B"]
    assert sorted(codes, key=natural_key) == ordered


@pytest.mark.parametrize(
    ("fields", "kind", "name"),
    [
        ({"plugins": (a_plugin(script="\0"),)}, "PLUGIN", "check_ph"),
        ({"plugins": (a_plugin(description="\0"),)}, "PLUGIN", "check_ph"),
        ({"vocabularies": (a_vocabulary("V", a_term(label="\0")),)}, "TERM", "V/WATER"),
        ({"property_types": (a_property_type("$P", label="\0"),)}, "PROPERTY_TYPE", "$P"),
        (
            {"entity_types": (an_entity_type(Kind.SAMPLE, an_assignment(section="\0")),)},
            "SAMPLE_TYPE_ASSIGNMENT",
            "A_SAMPLE_TYPE/NOTES",
        ),
    ],
)
def test_a_forbidden_character_is_refused_with_the_item_named(
    fields: dict[str, Any], kind: str, name: str
) -> None:
    with pytest.raises(ItemError, match=r"U\+0000 at position 0") as caught:
        blocks(**fields)
    assert (caught.value.kind, caught.value.perm_id) == (kind, name)
