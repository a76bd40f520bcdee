"""Master data of the databases at hand, and what depends on the schema."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    AddressType,
    DataType,
    Plugin,
    PluginType,
    PropertyAssignment,
)
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import Examples
from tests.support.openbis.reading import master_data
from tests.support.servers.postgres import counted, run


def test_internal_names_carry_their_sign_everywhere(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    found = master_data(x192)
    types = {each.code: each for each in found.property_types}
    plate = next(each for each in found.entity_types if each.code == examples.rich_type)

    geometry = types[Code(examples.geometry[0])]
    assert (geometry.internal, geometry.vocabulary) == (True, examples.geometry[0])
    assert types[Code(examples.date)].data_type is DataType.DATE
    assert types[Code(examples.reals)].internal is False
    assert examples.reference in {each.property_type for each in plate.assignments}


def test_before_schema_184_the_name_space_decides_what_is_internal(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    """The database has ``NAME``, which is not managed internally but of the internal namespace."""
    database, unmanaged_names = examples.unmanaged
    url = load_openbis(database)
    found = master_data(open_catalogue(url))

    internal = {each.code for each in found.property_types if each.internal}
    unmanaged = """select count(*) from property_types
                    where is_internal_namespace and not is_managed_internally"""
    assert "$NAME" in internal
    assert all(code.startswith("$") for code in internal)
    assert counted(url, unmanaged) == unmanaged_names


def test_plugins_terms_and_systems_are_told_in_full(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    found = master_data(x192)
    plugins = {each.name: each for each in found.plugins}

    assert plugins[examples.plugin].type is PluginType.ENTITY_VALIDATION
    assert any(each.entity_kinds == () for each in plugins.values())
    assert any(each.entity_kinds == (Kind.SAMPLE,) for each in plugins.values())
    vocabulary = next(each for each in found.vocabularies if each.code == examples.vocabulary)
    assert [term.ordinal for term in vocabulary.terms] == list(range(1, len(vocabulary.terms) + 1))
    assert found.external_dms[-1] == examples.last_system


def test_before_schema_158_the_address_of_a_system_is_its_template(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    systems = master_data(open_catalogue(load_openbis(examples.databases[154]))).external_dms

    assert [each.address_type for each in systems] == [AddressType.URL, AddressType.OPENBIS]
    assert all(each.address for each in systems)


def test_a_predeployed_plugin_has_no_script(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    run(
        url,
        "update scripts set script = 'def f(): pass', plugin_type = 'JYTHON'",
        f"update scripts set plugin_type = 'PREDEPLOYED' where name = '{examples.plugin}'",  # noqa: S608
    )

    scripts: dict[str, Plugin] = {each.name: each for each in master_data(catalogue).plugins}
    assert [name for name, each in scripts.items() if each.script is None] == [examples.plugin]


def test_assignments_have_their_rules(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    run(
        url,
        """update sample_type_property_types a
              set is_unique = true, is_mandatory = true, is_shown_edit = false,
                  show_raw_value = true, section = 'Here', ordinal = 7,
                  script_id = (select min(id) from scripts where script_type = 'DYNAMIC_PROPERTY'),
                  registration_timestamp = '2024-01-02 03:04:05Z'
             from property_types p
            where p.id = a.prty_id and p.code = '<sheet>'""".replace("<sheet>", examples.sheet),
    )

    found = master_data(catalogue)
    assigned = [
        each
        for entity_type in found.types_of(Kind.SAMPLE)
        for each in entity_type.assignments
        if each.property_type == examples.sheet
    ]
    dynamic = next(each for each in found.plugins if each.type is PluginType.DYNAMIC_PROPERTY)
    assert set(assigned) == {
        PropertyAssignment(
            property_type=Code(examples.sheet),
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
