"""The values of the database with everything in it, and of databases with a fault each."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.model.entities import Attachment, AttachmentVersion, ContentCopy
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind, Relation
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.catalogues.openbis.properties import java_double
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import EXAMPLES, Examples
from tests.support.openbis.reading import entities, master_data
from tests.support.servers.postgres import counted, run


def test_values_of_all_columns_are_written_as_openbis_writes_them(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    assert entities(x192, Kind.SAMPLE)[examples.rich].properties == examples.rich_values


def test_a_value_that_points_into_the_trash_is_left_out(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    sample = entities(x192, Kind.SAMPLE)[examples.refers_to_trash]
    assert examples.reference not in sample.properties


def test_a_value_that_points_out_of_the_scope_is_left_out(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    space, _, other = examples.spaces
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    run(
        url,
        """update samples_all set space_id = (select id from spaces where code = '<space>')
            where perm_id = '<referred>'""".replace("<space>", other).replace(
            "<referred>", examples.referred
        ),
    )

    in_both = entities(catalogue, Kind.SAMPLE, space, other)[examples.rich].properties
    in_one = entities(catalogue, Kind.SAMPLE, space)[examples.rich].properties

    assert in_both.items() - in_one.items() == {(examples.reference, examples.referred)}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (123456.789, "123456.789"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (-2.5e16, "-2.5E16"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (5e-324, "5.0E-324"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_reals_are_written_the_way_of_java(value: float, text: str) -> None:
    """But for the smallest one, which Java writes ``4.9E-324``: it is the same number."""
    assert java_double(value) == text


def test_terms_are_written_by_code_and_materials_with_their_type(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    samples = entities(x192, Kind.SAMPLE)
    experiments = entities(x192, Kind.EXPERIMENT)

    geometry, term = examples.geometry
    assert samples[examples.layout].properties[geometry] == term
    code, value = examples.experiment_value
    assert experiments[examples.experiment].properties[code] == value
    materials = {
        str(value)
        for sample in samples.values()
        for code, value in sample.properties.items()
        if code in examples.of_materials
    }
    assert materials
    assert all(value.endswith(")") and " (" in value for value in materials)


def test_a_sample_has_its_place_and_its_edges(examples: Examples, x192: OpenBisCatalogue) -> None:
    samples = entities(x192, Kind.SAMPLE)
    sample = samples[examples.layout]

    assert (sample.space, sample.project, sample.experiment) == (examples.spaces[0], None, None)
    assert sample.type == examples.layout_type
    assert sample.code == examples.layout_code
    components = [each for each in sample.connections if each.relation is Relation.COMPONENT]
    assert len(components) == len(sample.connections) == 2
    assert {samples[each.to].code for each in components} <= examples.wells


def test_the_components_of_a_data_set_keep_their_order(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    first, second = examples.components
    before = [
        edge.to for edge in entities(catalogue, Kind.DATA_SET)[examples.container].connections
    ]
    run(
        url,
        """update data_set_relationships_all set ordinal = 2
            where data_id_child = (select id from data where code = '<first>')""".replace(
            "<first>", first
        ),
    )

    after = [edge.to for edge in entities(catalogue, Kind.DATA_SET)[examples.container].connections]

    assert before == [first, second]  # both have the ordinal 1
    assert after == [second, first]


def test_children_come_before_components(x192: OpenBisCatalogue) -> None:
    data_sets = entities(x192, Kind.DATA_SET).values()

    relations = [[edge.relation for edge in each.connections] for each in data_sets]
    assert all(each == sorted(each) for each in relations)
    assert {relation for each in relations for relation in each} == set(Relation)


def test_other_relations_than_parent_and_child_are_no_connections(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    database, number_of_children, number_of_links = examples.other_links
    url = load_openbis(database)
    samples = entities(open_catalogue(url), Kind.SAMPLE).values()

    children = [
        edge for sample in samples for edge in sample.connections if edge.relation is Relation.CHILD
    ]
    assert len(children) == number_of_children
    assert counted(url, "select count(*) from sample_relationships") == number_of_links


def test_a_data_set_names_experiment_and_sample_by_identifier(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    code, experiment, sample = examples.of_sample
    data_set = entities(x192, Kind.DATA_SET)[code]

    assert data_set.experiment == experiment
    assert data_set.sample == sample
    assert data_set.data_set_kind is DataSetKind.PHYSICAL


def test_the_identifier_of_a_component_names_its_container(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    run(
        url,
        """update data_all set samp_id = (select min(c.id) from samples c
               join samples p on p.id = c.samp_id_part_of where p.code = '<layout>')
            where code = '<code>'""".replace("<layout>", examples.layout_code).replace(
            "<code>", examples.components[0]
        ),
    )

    assert entities(catalogue, Kind.DATA_SET)[examples.components[0]].sample == examples.well


def test_a_data_set_that_is_still_being_registered_is_not_there(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    """One data set of the database is not confirmed; it has a parent, a child and files."""
    data_sets = entities(x192, Kind.DATA_SET)

    assert examples.hidden not in data_sets
    assert all(
        edge.to != examples.hidden
        for data_set in data_sets.values()
        for edge in data_set.connections
    )


def test_a_linked_data_set_has_its_copies(examples: Examples, x192: OpenBisCatalogue) -> None:
    data_sets = entities(x192, Kind.DATA_SET)

    assert data_sets[examples.git_link].content_copies == examples.git_copies
    (copy,) = data_sets[examples.url_link].content_copies
    assert (copy.external_code, copy.path, copy.id) == (examples.url_code, None, "1")


def test_before_schema_159_a_linked_data_set_has_one_copy_without_an_id(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    old = entities(open_catalogue(load_openbis(examples.databases[154])), Kind.DATA_SET)

    assert old[examples.url_link].content_copies == (
        ContentCopy(external_dms=Code(examples.url_system), external_code=examples.url_code),
    )


@pytest.mark.parametrize("version", [159, 161, 163])
def test_the_repository_of_a_copy_is_known_from_schema_163_on(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, version: int
) -> None:
    made = EXAMPLES["made"]
    listed = entities(open_catalogue(load_openbis(f"made_{version}")), Kind.DATA_SET)
    copies = listed[made.git_link].content_copies
    if version < 163:
        assert copies == tuple(replace(each, git_repository_id=None) for each in made.git_copies)
        assert copies != made.git_copies
    else:
        assert copies == made.git_copies


def test_an_attachment_has_all_its_versions(examples: Examples, x192: OpenBisCatalogue) -> None:
    experiment = entities(x192, Kind.EXPERIMENT)[examples.experiment]
    file_name, title, lengths = examples.versions

    (attachment,) = experiment.attachments
    assert attachment.file_name == file_name
    assert [each.version for each in attachment.versions] == [1, 2, 3, 4]
    assert tuple(each.length for each in attachment.versions) == lengths
    assert [each.title for each in attachment.versions] == [None, None, None, title]
    assert attachment.versions[2].description == examples.third_description
    assert len({each.sha256 for each in attachment.versions}) == 4


def test_a_project_has_its_texts_and_attachments(
    examples: Examples, x192: OpenBisCatalogue
) -> None:
    project = entities(x192, Kind.PROJECT)[examples.main_perm_id]
    file_name, title, description = examples.main_attachment

    assert (project.space, project.code, project.type) == (examples.spaces[0], examples.main, None)
    assert project.description == examples.main_description
    assert project.attachments == (
        Attachment(
            file_name=file_name,
            versions=(
                AttachmentVersion(
                    version=1,
                    title=title,
                    description=description,
                    registrator=examples.keeper,
                    registered=project.attachments[0].latest.registered,
                    length=project.attachments[0].latest.length,
                    sha256=project.attachments[0].latest.sha256,
                ),
            ),
        ),
    )


def test_fractions_of_seconds_are_cut_off(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    run(
        url,
        """update samples_all set registration_timestamp = '2024-03-31 02:30:59.999999+02',
                                  modification_timestamp = null""",
    )

    sample = next(iter(entities(catalogue, Kind.SAMPLE).values()))

    assert sample.registered == datetime(2024, 3, 31, 0, 30, 59, tzinfo=UTC)
    assert sample.modified == sample.registered


def test_what_xml_forbids_is_replaced_with_a_warning_that_names_the_entity(
    examples: Examples,
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = copy_openbis(examples.database)
    catalogue = open_catalogue(url)
    run(
        url,
        r"update sample_properties set value = E'a\x01b\tc\nd\uFFFEe' where value like '<x a%'",
        r"update projects set description = E'\x0b!' where code = '<main>'".replace(
            "<main>", examples.main
        ),
        r"update property_types set label = E'\x1bX' where code = '<sheet>'".replace(
            "<sheet>", examples.sheet
        ),
    )

    with caplog.at_level(logging.WARNING):
        sample = entities(catalogue, Kind.SAMPLE)[examples.rich]
        project = entities(catalogue, Kind.PROJECT)[examples.main_perm_id]
        labels = {each.code: each.label for each in master_data(catalogue).property_types}

    assert sample.properties[examples.sheet] == "a\ufffdb\tc\nd\ufffde"
    assert project.description == "\ufffd!"
    assert labels[Code(examples.sheet)] == "\ufffdX"
    for named in (f"SAMPLE {examples.rich}: 2", f"PROJECT {project.perm_id}", examples.sheet):
        assert named in caplog.text
