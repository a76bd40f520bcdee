"""openBIS declares its columns by domains: the driver must give the same values for them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from shared.model.kinds import ENTITY_KINDS, Kind
from source_server.catalogues.openbis.connect import reading_engine, snapshot
from source_server.catalogues.openbis.opening import _columns
from source_server.catalogues.openbis.properties import PropertyReader
from source_server.catalogues.openbis.schema import Dialect
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.domains import declare_domains
from tests.support.openbis.reading import entities, master_data
from tests.support.servers.postgres import run


@pytest.mark.parametrize("name", ["openbis_unittest_154", "openbis_unittest_178", "x192_features"])
def test_a_database_with_domains_is_read_like_one_with_plain_types(
    load_openbis: LoadOpenBis, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, name: str
) -> None:
    url = copy_openbis(name)
    assert declare_domains(url) > 400
    plain, real = open_catalogue(load_openbis(name)), open_catalogue(url)

    assert real.schema_version == plain.schema_version
    assert master_data(real) == master_data(plain)
    for kind in ENTITY_KINDS:
        assert entities(real, kind) == entities(plain, kind)


_TABLES = (
    "create domain tech_id as bigint",
    "create domain code as varchar(100)",
    "create domain text_value as text",
    "create domain boolean_char as boolean default false",
    "create domain long_value as bigint",
    "create domain double_value as double precision",
    "create domain time_stamp as timestamp with time zone",
    "create table property_types (id tech_id, code code, is_managed_internally boolean_char)",
    "create table sample_type_property_types (id tech_id, prty_id tech_id)",
    "create table controlled_vocabulary_terms (id tech_id, code code)",
    "create table material_types (id tech_id, code code)",
    "create table materials (id tech_id, code code, maty_id tech_id)",
    "create table experiments (id tech_id, proj_id tech_id)",
    """create table samples (id tech_id, perm_id code, space_id tech_id, proj_id tech_id,
        expe_id tech_id)""",
    """create table sample_properties (samp_id tech_id, stpt_id tech_id, value text_value,
        cvte_id tech_id, mate_prop_id tech_id, samp_prop_id tech_id,
        integer_array_value long_value[], real_array_value double_value[],
        string_array_value text_value[], timestamp_array_value time_stamp[], json_value jsonb)""",
    "insert into property_types values (1, 'I'), (2, 'R'), (3, 'S'), (4, 'T'), (5, 'J'), (6, 'V')",
    "insert into sample_type_property_types select id, id from property_types",
    """insert into sample_properties (samp_id, stpt_id, value, integer_array_value,
        real_array_value, string_array_value, timestamp_array_value, json_value) values
        (7, 1, null, '{3,-1}', null, null, null, null),
        (7, 2, null, null, '{1,0.1,1e22,NaN}', null, null, null),
        (7, 3, null, null, null, '{"a b",c}', null, null),
        (7, 4, null, null, null, null,
         '{2024-01-02 03:04:05+01,infinity,NULL,-infinity,0044-03-15 BC}', null),
        (7, 5, null, null, null, null, null, '{"a": 1}'),
        (7, 6, 'plain', null, null, null, null, null)""",
)


@pytest.fixture
def small(postgres_url: str) -> Iterator[Connection]:
    """The tables of properties, declared as openBIS declares them."""
    run(postgres_url, *_TABLES)
    engine = reading_engine(postgres_url)
    with snapshot(engine) as connection:
        yield connection
    engine.dispose()


def test_arrays_over_domains_are_read_by_value(small: Connection) -> None:
    page = {"ids": "{7}", "spaces": "{}", "lone_projects": "{}"}

    values, _ = PropertyReader(small, Dialect(192), Kind.SAMPLE).of_page(page)
    assert values == {
        7: {
            "I": "3, -1",
            "R": "1.0, 0.1, 1.0E22, NaN",
            "S": "a b, c",
            "T": "2024-01-02 02:04:05 +0000, 9999-12-30 00:00:00 +0000,"
            " 0001-01-02 00:00:00 +0000, 0001-01-02 00:00:00 +0000",
            "J": '{"a": 1}',
            "V": "plain",
        }
    }


def test_the_type_below_a_domain_tells_the_schema(small: Connection) -> None:
    assert "sample_properties.value text" in _columns(small)
    assert "samples.id bigint" in _columns(small)


_STAMPED = (
    ("spaces", "registration_timestamp", "code", "CISD", Kind.SPACE),
    ("projects", "modification_timestamp", "code", "NEMO", Kind.PROJECT),
    ("experiments_all", "registration_timestamp", "code", "EXP1", Kind.EXPERIMENT),
    ("samples_all", "modification_timestamp", "perm_id", "200811050919915-8", Kind.SAMPLE),
    ("data_all", "registration_timestamp", "code", "20081105092159222-2", Kind.DATA_SET),
    ("materials", "registration_timestamp", "code", "AD3", Kind.MATERIAL),
)


@pytest.mark.parametrize(
    ("moment", "published"),
    [
        ("infinity", "9999-12-30T00:00:00+00:00"),
        ("-infinity", "0001-01-02T00:00:00+00:00"),
        ("0044-03-15 BC", "0001-01-02T00:00:00+00:00"),
        ("12345-01-01", "9999-12-30T00:00:00+00:00"),
    ],
)
def test_a_timestamp_that_no_list_can_carry_is_published_as_the_nearest_and_told(
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    caplog: pytest.LogCaptureFixture,
    moment: str,
    published: str,
) -> None:
    url = copy_openbis("x192_features")
    catalogue = open_catalogue(url)
    kinds = {kind for *_, kind in _STAMPED}
    before = {kind: entities(catalogue, kind) for kind in kinds}
    for table, column, key, value, _ in _STAMPED:
        stamp(url, table, column, moment, f"where {key} = '{value}'")

    with caplog.at_level(logging.WARNING):
        after = {kind: entities(catalogue, kind) for kind in kinds}

    for _, column, _, _, kind in _STAMPED:
        field = "registered" if column.startswith("registration") else "modified"
        hit = [each for each, entity in after[kind].items() if entity != before[kind][each]]
        assert hit
        for each in hit:
            assert getattr(after[kind][each], field).isoformat() == published
            assert f"{kind} {each}: a timestamp lies beyond" in caplog.text


def stamp(url: str, table: str, column: str, moment: str, where: str = "") -> None:
    change = "update <table> set <column> = '<moment>' "
    for place, value in (("<table>", table), ("<column>", column), ("<moment>", moment)):
        change = change.replace(place, value)
    run(url, change + where)


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 BC"])
def test_such_timestamps_of_master_data_and_attachments_do_not_break_the_list(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, moment: str
) -> None:
    url = copy_openbis("x192_features")
    catalogue = open_catalogue(url)
    plain = master_data(catalogue)
    attached = {key for key, each in entities(catalogue, Kind.PROJECT).items() if each.attachments}
    for table, column in (
        *(("scripts", "registration_timestamp"), ("property_types", "registration_timestamp")),
        ("controlled_vocabularies", "modification_timestamp"),
        ("controlled_vocabulary_terms", "registration_timestamp"),
        ("sample_types", "modification_timestamp"),
        ("sample_type_property_types", "registration_timestamp"),
        *(("attachments", "registration_timestamp"), ("persons", "registration_timestamp")),
    ):
        stamp(url, table, column, moment)

    stamped = master_data(catalogue)
    projects = entities(catalogue, Kind.PROJECT)

    edge = 9999 if moment == "infinity" else 1
    assert [each.code for each in stamped.property_types] == [
        each.code for each in plain.property_types
    ]
    assert {each.registered.year for each in stamped.property_types if each.registered} == {edge}
    versions = [v for key in attached for a in projects[key].attachments for v in a.versions]
    assert {v.registered.year for v in versions if v.registered} == {edge}
