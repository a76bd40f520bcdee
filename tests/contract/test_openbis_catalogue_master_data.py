"""Master data of the databases at hand, and what depends on the schema."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    AddressType,
    DataType,
    ExternalDms,
    Plugin,
    PluginType,
    PropertyAssignment,
)
from source_server.openbis.catalogue import OpenBisCatalogue
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.openbis_reading import master_data
from tests.postgres import counted, run


def test_internal_names_carry_their_sign_everywhere(x192: OpenBisCatalogue) -> None:
    found = master_data(x192)
    types = {each.code: each for each in found.property_types}
    plate = next(each for each in found.entity_types if each.code == "CELL_PLATE")

    geometry = types[Code("$PLATE_GEOMETRY")]
    assert (geometry.internal, geometry.vocabulary) == (True, "$PLATE_GEOMETRY")
    assert types[Code("$X_DATE")].data_type is DataType.DATE
    assert types[Code("X_ARRAY_REAL")].internal is False
    assert "$X_SAMPLE" in {each.property_type for each in plate.assignments}


def test_before_schema_184_the_name_space_decides_what_is_internal(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    """The database has ``NAME``, which is not managed internally but of the internal namespace."""
    url = load_openbis("openbis_sync_big_harvester")
    found = master_data(open_catalogue(url))

    internal = {each.code for each in found.property_types if each.internal}
    unmanaged = """select count(*) from property_types
                    where is_internal_namespace and not is_managed_internally"""
    assert "$NAME" in internal
    assert all(code.startswith("$") for code in internal)
    assert counted(url, unmanaged) == 4


def test_plugins_terms_and_systems_are_told_in_full(x192: OpenBisCatalogue) -> None:
    found = master_data(x192)
    plugins = {each.name: each for each in found.plugins}

    assert plugins["validateOK"].type is PluginType.ENTITY_VALIDATION
    assert any(each.entity_kinds == () for each in plugins.values())
    assert any(each.entity_kinds == (Kind.SAMPLE,) for each in plugins.values())
    organism = next(each for each in found.vocabularies if each.code == "ORGANISM")
    assert [term.ordinal for term in organism.terms] == list(range(1, len(organism.terms) + 1))
    assert found.external_dms[-1] == ExternalDms(
        code=Code("DMS_3"),
        address="sprint:/path/to/location",
        address_type=AddressType.FILE_SYSTEM,
        label="Non-local filesystem",
    )


def test_before_schema_158_the_address_of_a_system_is_its_template(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    systems = master_data(open_catalogue(load_openbis("openbis_unittest_154"))).external_dms

    assert [each.address_type for each in systems] == [AddressType.URL, AddressType.OPENBIS]
    assert all(each.address for each in systems)


def test_a_predeployed_plugin_has_no_script(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("openbis_unittest_192")
    catalogue = open_catalogue(url)
    run(
        url,
        "update scripts set script = 'def f(): pass', plugin_type = 'JYTHON'",
        "update scripts set plugin_type = 'PREDEPLOYED' where name = 'validateOK'",
    )

    scripts: dict[str, Plugin] = {each.name: each for each in master_data(catalogue).plugins}
    assert [name for name, each in scripts.items() if each.script is None] == ["validateOK"]


def test_assignments_have_their_rules(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("x192_features")
    catalogue = open_catalogue(url)
    run(
        url,
        """update sample_type_property_types a
              set is_unique = true, is_mandatory = true, is_shown_edit = false,
                  show_raw_value = true, section = 'Here', ordinal = 7,
                  script_id = (select min(id) from scripts where script_type = 'DYNAMIC_PROPERTY'),
                  registration_timestamp = '2024-01-02 03:04:05Z'
             from property_types p where p.id = a.prty_id and p.code = 'X_XML'""",
    )

    found = master_data(catalogue)
    assigned = [
        each
        for entity_type in found.types_of(Kind.SAMPLE)
        for each in entity_type.assignments
        if each.property_type == "X_XML"
    ]
    dynamic = next(each for each in found.plugins if each.type is PluginType.DYNAMIC_PROPERTY)
    assert set(assigned) == {
        PropertyAssignment(
            property_type=Code("X_XML"),
            ordinal=7,
            mandatory=True,
            section="Here",
            show_in_edit=False,
            show_raw_value=True,
            unique=True,
            plugin=assigned[0].plugin,
            plugin_type=dynamic.type,
            registered=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        )
    }
    assert assigned[0].plugin in {each.name for each in found.plugins}
