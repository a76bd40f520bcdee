"""Definitions as schemas 177 to 213 have them: meta data, several values, patterns, internal flags,
type groups."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import make_url

from shared.errors import ConfigError
from shared.model.ids import Code
from shared.model.kinds import Kind
from shared.model.master_data import (
    EntityType,
    MasterData,
    PatternType,
    PropertyAssignment,
    TypeGroup,
    TypeGroupMember,
)
from source_server.catalogues.openbis.schema import NEWEST, OLDEST
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.reading import master_data
from tests.support.openbis_made import later
from tests.support.openbis_made.master_data import MULTI_VALUED, PATTERNS
from tests.support.servers.postgres import connected_to, run

# Before and after each schema that brought something to definitions.
AROUND = (OLDEST, 176, 177, 191, 192, 193, 194, 195, 196, 204, 205, 210, 211, NEWEST)
GIVEN = ("x207_features", "x213_features", "unittest_213")
TYPES = {Kind.SAMPLE: "sample", Kind.EXPERIMENT: "experiment", Kind.DATA_SET: "data_set"}


def rows(url: str, query: str) -> list[Any]:
    """Rows of one column as values, others as tuples."""
    with connected_to(url) as connection:
        found = connection.execute(query.encode()).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def types(found: MasterData) -> dict[str, EntityType]:
    """Entity types by code; codes of the made instance are unique among all kinds."""
    return {each.code: each for each in found.entity_types}


def assigned(found: MasterData, type_code: str, name: str) -> PropertyAssignment:
    (one,) = (each for each in types(found)[type_code].assignments if each.property_type == name)
    return one


@pytest.mark.parametrize("version", AROUND)
def test_each_schema_shows_what_it_has_and_nothing_else(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, version: int
) -> None:
    found = master_data(open_catalogue(load_openbis(f"made_{version}")))
    properties = {each.code: each for each in found.property_types}

    assert properties[Code("NOTES")].meta_data == (
        {"custom_widget": "Word Processor"} if version >= 177 else None
    )
    assert properties[Code("DEPTH")].meta_data == ({} if version >= 177 else None)
    assert types(found)["PLATE"].meta_data == (
        {"a": "<b>", "colour": "green"} if version >= 192 else None
    )
    assert types(found)["SURVEY"].meta_data == ({"view": "list"} if version >= 192 else None)
    assert types(found)["RAW"].meta_data == ({} if version >= 192 else None)
    assert properties[Code("NOTES")].multi_value is (False if version >= 193 else None)
    assert (MULTI_VALUED in properties) == (version >= 193)
    if version >= 193:
        assert properties[Code(MULTI_VALUED)].multi_value is True


@pytest.mark.parametrize("version", AROUND)
def test_each_schema_shows_its_patterns_and_what_openbis_itself_made(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, version: int
) -> None:
    found = master_data(open_catalogue(load_openbis(f"made_{version}")))

    for (type_code, name), pattern in PATTERNS.items():
        one = assigned(found, type_code, name)
        expected = (pattern["pattern"], pattern["pattern_type"]) if version >= 195 else (None, None)
        assert (one.pattern, one.pattern_type) == expected
    assert assigned(found, "JAR", "DEPTH").pattern is None
    internal = {each.code for each in found.entity_types if each.internal}
    assert internal == (
        set() if version < 196 else {"WELL"} if version < 197 else {"WELL", "AFS_DATA"}
    )
    assert assigned(found, "WELL", "$NAME").internal == (version >= 196)
    assert not assigned(found, "PLATE", "$NAME").internal
    geometry = next(each for each in found.vocabularies if each.code == "$GEOMETRY")
    assert [term.internal for term in geometry.terms] == [version >= 196, False]


@pytest.mark.parametrize("version", AROUND)
def test_type_groups_come_with_schema_205(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, version: int
) -> None:
    found = master_data(open_catalogue(load_openbis(f"made_{version}")))

    groups = {each.code: tuple(m.sample_type for m in each.members) for each in found.type_groups}
    assert groups == (later.TYPE_GROUPS if version >= 205 else {})
    assert found.type_groups_are_whole
    if version >= 205:
        bench, empty, shipped = found.type_groups
        assert (bench.meta_data, bench.internal, bench.registrator) == (
            {"colour": "blue"},
            False,
            "keeper",
        )
        assert bench.registered
        assert bench.modified
        assert (empty.meta_data, shipped.internal) == ({}, True)
        assert shipped.members == (TypeGroupMember(sample_type=Code("WELL"), internal=True),)


def test_meta_data_that_are_no_texts_are_shown_as_json_and_bad_characters_replaced(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    url = copy_openbis("made_213")
    odd = {"n": 1, "none": None, "list": ["ü", True], "bad \x01": "a\x02b"}
    run(
        url,
        f"update property_types set meta_data = '{json.dumps(odd)}' where code = 'NOTES'",  # noqa: S608
        "update property_types set meta_data = 'null' where code = 'DEPTH'",
    )
    with caplog.at_level(logging.WARNING):
        found = {each.code: each for each in master_data(open_catalogue(url)).property_types}

    assert found[Code("NOTES")].meta_data == {
        "n": "1",
        "none": "",
        "list": '["ü", true]',
        "bad \ufffd": "a\ufffdb",
    }
    assert found[Code("DEPTH")].meta_data == {}
    assert "Master data NOTES: 1 characters that XML forbids" in caplog.text


def test_plugins_that_were_predeployed_have_a_script_from_213_on(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    for version, scripted in ((212, False), (213, True)):
        found = master_data(open_catalogue(load_openbis(f"made_{version}")))
        plugins = {each.name: each for each in found.plugins}
        assert (plugins["shipped"].script is not None) == scripted, version


@pytest.mark.parametrize("table", ["type_groups", "sample_type_type_groups"])
def test_a_user_who_may_not_read_type_groups_is_told_so(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, table: str
) -> None:
    """openBIS's own group for reading may not."""
    url = copy_openbis("made_213")
    name = f"reader_{secrets.token_hex(4)}"
    run(
        url,
        f"create role {name} login",
        f"grant select on all tables in schema public to {name}",
        f"revoke all on {table} from {name}",
    )
    try:
        with pytest.raises(
            ConfigError, match=f"permission denied for table {table}.*grant SELECT on all tables"
        ):
            open_catalogue(str(make_url(url).set(username=name).render_as_string()))
    finally:
        run(url, f"drop owned by {name}", f"drop role {name}")


@pytest.mark.parametrize("database", GIVEN)
def test_given_property_types_are_those_of_the_database(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    url = load_openbis(database)
    found = master_data(open_catalogue(url))

    assert {each.code: (each.multi_value, each.meta_data) for each in found.property_types} == {
        code: (several, meta_data or {})
        for code, several, meta_data in rows(
            url,
            """select case when is_managed_internally then '$' || code else code end,
                      is_multi_value, meta_data from property_types""",
        )
    }


@pytest.mark.parametrize("database", GIVEN)
def test_given_types_and_terms_are_those_of_the_database(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    url = load_openbis(database)
    found = master_data(open_catalogue(url))

    for kind, table in TYPES.items():
        shown = {each.code: (each.internal, each.meta_data) for each in found.types_of(kind)}
        stored = rows(url, f"select code, is_managed_internally, meta_data from {table}_types")  # noqa: S608
        assert shown == {code: (internal, data or {}) for code, internal, data in stored}
    terms = {
        (vocabulary.code.removeprefix("$"), term.code, term.internal)
        for vocabulary in found.vocabularies
        for term in vocabulary.terms
    }
    assert terms == set(
        rows(
            url,
            """select v.code, t.code, t.is_managed_internally from controlled_vocabulary_terms t
                 join controlled_vocabularies v on v.id = t.covo_id""",
        )
    )


@pytest.mark.parametrize("database", GIVEN)
def test_given_assignments_are_those_of_the_database(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    url = load_openbis(database)
    found = master_data(open_catalogue(url))

    for kind, table in TYPES.items():
        shown = {
            (
                *(entity_type.code, one.property_type.removeprefix("$")),
                *(one.pattern, one.pattern_type and one.pattern_type.value, one.internal),
            )
            for entity_type in found.types_of(kind)
            for one in entity_type.assignments
        }
        column = {"sample": "saty_id", "experiment": "exty_id", "data_set": "dsty_id"}[table]
        assert shown == set(
            rows(
                url,
                """select t.code, p.code, a.pattern, a.pattern_type,
                          a.is_managed_internally_namespace
                     from <table>_type_property_types a
                     join <table>_types t on t.id = a.<column>
                     join property_types p on p.id = a.prty_id""".replace("<table>", table).replace(
                    "<column>", column
                ),
            )
        )


@pytest.mark.parametrize("database", GIVEN)
def test_given_type_groups_are_those_of_the_database(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    url = load_openbis(database)
    found = master_data(open_catalogue(url))

    assert {each.code: (each.internal, each.meta_data) for each in found.type_groups} == {
        code: (internal, data or {})
        for code, internal, data in rows(
            url, "select code, is_managed_internally, meta_data from type_groups"
        )
    }
    members = {
        (group.code, member.sample_type, member.internal)
        for group in found.type_groups
        for member in group.members
    }
    assert members == set(
        rows(
            url,
            """select g.code, t.code, m.is_managed_internally from sample_type_type_groups m
                 join type_groups g on g.id = m.tg_id join sample_types t on t.id = m.saty_id""",
        )
    )


def test_the_given_instance_has_one_of_everything(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    found = master_data(open_catalogue(load_openbis("x213_features")))
    groups: Mapping[str, TypeGroup] = {each.code: each for each in found.type_groups}
    patterns = {
        one.pattern_type for each in found.entity_types for one in each.assignments if one.pattern
    }

    assert set(groups) == {"X7_EMPTY_GROUP", "X7_INTERNAL_GROUP", "X7_PLATES"}
    assert groups["X7_PLATES"].meta_data == {"colour": "green"}
    assert patterns == set(PatternType)
    assert types(found)["X7_INTERNAL"].meta_data == {"note": "ü & <b>", "origin": "invented"}
    assert sum(each.multi_value or False for each in found.property_types) == 8
