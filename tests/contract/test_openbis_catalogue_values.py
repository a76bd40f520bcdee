"""The values of the database with everything in it, and of databases with a fault each."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from shared.model.entities import Attachment, AttachmentVersion, ContentCopy
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind, Relation
from source_server.openbis.catalogue import OpenBisCatalogue
from source_server.openbis.properties import java_double
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.openbis_reading import entities, master_data
from tests.postgres import counted, run

RICH_SAMPLE = "200811050929940-1017"


def test_values_of_all_columns_are_written_as_openbis_writes_them(x192: OpenBisCatalogue) -> None:
    assert entities(x192, Kind.SAMPLE)[RICH_SAMPLE].properties == {
        "$X_DATE": "2024-02-29",
        "$X_SAMPLE": "200811050947161-652",
        "X_ARRAY_INTEGER": "3, -1, 9007199254740993",
        "X_ARRAY_REAL": "1.0, 0.5, 1.0E22",
        "X_ARRAY_STRING": "a, b, c, ü",
        "X_ARRAY_TIMESTAMP": "2024-01-02 02:04:05 +0000",
        "X_HYPERLINK": "https://example.org/?a=1&b=2",
        "X_JSON": '{"a": [true, null], "b": 1}',
        "X_XML": '<x a="1">&amp;</x>',
    }


def test_a_value_that_points_into_the_trash_is_left_out(x192: OpenBisCatalogue) -> None:
    assert "$X_SAMPLE" not in entities(x192, Kind.SAMPLE)["200902091250077-1060"].properties


def test_a_value_that_points_out_of_the_scope_is_left_out(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("x192_features")
    catalogue = open_catalogue(url)
    run(
        url,
        """update samples_all set space_id = (select id from spaces where code = 'TESTGROUP')
            where perm_id = '200811050947161-652'""",
    )

    in_both = entities(catalogue, Kind.SAMPLE, "CISD", "TESTGROUP")[RICH_SAMPLE].properties
    in_one = entities(catalogue, Kind.SAMPLE, "CISD")[RICH_SAMPLE].properties

    assert in_both.items() - in_one.items() == {("$X_SAMPLE", "200811050947161-652")}


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


def test_terms_are_written_by_code_and_materials_with_their_type(x192: OpenBisCatalogue) -> None:
    samples = entities(x192, Kind.SAMPLE)
    experiments = entities(x192, Kind.EXPERIMENT)

    assert samples["200811050919915-8"].properties["$PLATE_GEOMETRY"] == "384_WELLS_16X24"
    assert experiments["200811050951882-1028"].properties["DESCRIPTION"] == "A simple experiment"
    materials = {
        value
        for sample in samples.values()
        for code, value in sample.properties.items()
        if code in {"ANY_MATERIAL", "BACTERIUM"}
    }
    assert materials
    assert all(value.endswith(")") and " (" in value for value in materials)


def test_a_sample_has_its_place_and_its_edges(x192: OpenBisCatalogue) -> None:
    samples = entities(x192, Kind.SAMPLE)
    sample = samples["200811050919915-8"]

    assert (sample.space, sample.project, sample.experiment) == ("CISD", None, None)
    assert sample.type == "CONTROL_LAYOUT"
    assert sample.code == "CL1"
    components = [each for each in sample.connections if each.relation is Relation.COMPONENT]
    assert len(components) == len(sample.connections) == 2
    assert {samples[each.to].code for each in components} <= {"A01", "A03", "B02"}


def test_the_components_of_a_data_set_keep_their_order(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("x192_features")
    catalogue = open_catalogue(url)
    before = [edge.to for edge in entities(catalogue, Kind.DATA_SET)["CONTAINER_3A"].connections]
    run(
        url,
        """update data_set_relationships_all set ordinal = 2
            where data_id_child = (select id from data where code = 'COMPONENT_3A')""",
    )

    after = [edge.to for edge in entities(catalogue, Kind.DATA_SET)["CONTAINER_3A"].connections]

    assert before == ["COMPONENT_3A", "COMPONENT_3AB"]  # both have the ordinal 1
    assert after == ["COMPONENT_3AB", "COMPONENT_3A"]


def test_children_come_before_components(x192: OpenBisCatalogue) -> None:
    data_sets = entities(x192, Kind.DATA_SET).values()

    relations = [[edge.relation for edge in each.connections] for each in data_sets]
    assert all(each == sorted(each) for each in relations)
    assert {relation for each in relations for relation in each} == set(Relation)


def test_other_relations_than_parent_and_child_are_no_connections(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = load_openbis("m192_3v")
    samples = entities(open_catalogue(url), Kind.SAMPLE).values()

    children = [
        edge for sample in samples for edge in sample.connections if edge.relation is Relation.CHILD
    ]
    assert len(children) == 8
    assert counted(url, "select count(*) from sample_relationships") == 12


def test_a_data_set_names_experiment_and_sample_by_identifier(x192: OpenBisCatalogue) -> None:
    data_set = entities(x192, Kind.DATA_SET)["20081105092159222-2"]

    assert data_set.experiment == "/CISD/NOE/EXP-TEST-2"
    assert data_set.sample == "/CISD/CP-TEST-2"
    assert data_set.data_set_kind is DataSetKind.PHYSICAL


def test_the_identifier_of_a_component_names_its_container(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("x192_features")
    catalogue = open_catalogue(url)
    run(
        url,
        """update data_all set samp_id = (select min(c.id) from samples c
               join samples p on p.id = c.samp_id_part_of where p.code = 'CL1')
            where code = 'COMPONENT_1A'""",
    )

    assert entities(catalogue, Kind.DATA_SET)["COMPONENT_1A"].sample == "/CISD/CL1:A01"


def test_a_data_set_that_is_still_being_registered_is_not_there(x192: OpenBisCatalogue) -> None:
    """One data set of the database is not confirmed; it has a parent, a child and files."""
    data_sets = entities(x192, Kind.DATA_SET)

    assert "20081105092159111-1" not in data_sets
    assert all(
        edge.to != "20081105092159111-1"
        for data_set in data_sets.values()
        for edge in data_set.connections
    )


def test_a_linked_data_set_has_its_copies(x192: OpenBisCatalogue) -> None:
    data_sets = entities(x192, Kind.DATA_SET)

    assert data_sets["20120628092259000-41"].content_copies == (
        ContentCopy(
            external_dms=Code("DMS_3"),
            path="path/to/20120628092259000-41",
            git_commit_hash="abcdefg12345678",
            git_repository_id="repo1",
            id="4",
        ),
    )
    (copy,) = data_sets["20120628092259000-23"].content_copies
    assert (copy.external_code, copy.path, copy.id) == ("CODE1", None, "1")


def test_before_schema_159_a_linked_data_set_has_one_copy_without_an_id(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    old = entities(open_catalogue(load_openbis("openbis_unittest_154")), Kind.DATA_SET)

    assert old["20120628092259000-23"].content_copies == (
        ContentCopy(external_dms=Code("DMS_1"), external_code="CODE1"),
    )


def test_an_attachment_has_all_its_versions(x192: OpenBisCatalogue) -> None:
    experiment = entities(x192, Kind.EXPERIMENT)["200811050951882-1028"]

    (attachment,) = experiment.attachments
    assert attachment.file_name == "exampleExperiments.txt"
    assert [(each.version, each.title, each.length) for each in attachment.versions] == [
        (1, None, 229),
        (2, None, 228),
        (3, None, 227),
        (4, "Latest version", 226),
    ]
    assert attachment.versions[2].description == "Second latest version"
    assert len({each.sha256 for each in attachment.versions}) == 4


def test_a_project_has_its_texts_and_attachments(x192: OpenBisCatalogue) -> None:
    project = entities(x192, Kind.PROJECT)["20120814110011738-103"]

    assert (project.space, project.code, project.type) == ("CISD", "NEMO", None)
    assert project.description == "nemo description"
    assert project.attachments == (
        Attachment(
            file_name="projectDescription.txt",
            versions=(
                AttachmentVersion(
                    version=1,
                    title="The Project",
                    description="All about it.",
                    registrator="test",
                    registered=project.attachments[0].latest.registered,
                    length=project.attachments[0].latest.length,
                    sha256=project.attachments[0].latest.sha256,
                ),
            ),
        ),
    )


def test_fractions_of_seconds_are_cut_off(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("openbis_unittest_192")
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
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    url = copy_openbis("x192_features")
    catalogue = open_catalogue(url)
    run(
        url,
        r"update sample_properties set value = E'a\x01b\tc\nd\uFFFEe' where value like '<x a%'",
        r"update projects set description = E'\x0b!' where code = 'NEMO'",
        r"update property_types set label = E'\x1bX' where code = 'X_XML'",
    )

    with caplog.at_level(logging.WARNING):
        sample = entities(catalogue, Kind.SAMPLE)[RICH_SAMPLE]
        project = entities(catalogue, Kind.PROJECT)["20120814110011738-103"]
        labels = {each.code: each.label for each in master_data(catalogue).property_types}

    assert sample.properties["X_XML"] == "a\ufffdb\tc\nd\ufffde"
    assert project.description == "\ufffd!"
    assert labels[Code("X_XML")] == "\ufffdX"
    for named in (f"SAMPLE {RICH_SAMPLE}: 2", f"PROJECT {project.perm_id}", "X_XML"):
        assert named in caplog.text
