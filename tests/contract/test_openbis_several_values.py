"""Several values of a property (openBIS from schema 193 on), as they are read from a database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.model.properties import PropertyValue, value_from, values_of
from shared.model.unknown import Part, Reason
from source_server.catalogues.openbis.properties import java_double
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.reading import entities
from tests.support.openbis_made import later, master_data
from tests.support.servers.postgres import connected_to, counted, run

GIVEN = ("x207_features", "x213_features")
MADE = ("made_193", "made_204", "made_207", "made_213")
# Kind: table of the values, their owner and assignment; table of the assignments; table of the
# owners and their perm id.
RAW = {
    Kind.EXPERIMENT: (
        *("experiment_properties", "expe_id", "etpt_id", "experiment_type_property_types"),
        *("experiments_all", "perm_id"),
    ),
    Kind.SAMPLE: (
        *("sample_properties", "samp_id", "stpt_id", "sample_type_property_types"),
        *("samples_all", "perm_id"),
    ),
    Kind.DATA_SET: (
        *("data_set_properties", "ds_id", "dstpt_id", "data_set_type_property_types"),
        *("data_all", "code"),
    ),
}
# Each row as JSON, so that nothing is said of its columns; but this would change JSON and -0.
ROWS = """
select o.<perm id>, case when t.is_managed_internally then '$' else '' end || t.code,
       to_jsonb(v), coalesce(v.value, v.json_value::text, m.code, s.perm_id),
       v.real_array_value::text, s.del_id
  from <values> v
  join <owners> o on o.id = v.<owner> and o.del_id is null
  join <assignments> a on a.id = v.<assignment>
  join property_types t on t.id = a.prty_id
  left join controlled_vocabulary_terms m on m.id = v.cvte_id
  left join samples_all s on s.id = v.samp_prop_id
 where <condition>
 order by v.id
"""
MATERIAL = """
select m.code || ' (' || t.code || ')'
  from materials m join material_types t on t.id = m.maty_id where m.id = %s
"""
# AFS data are no entities of their own, and a data set may still be on its way.
OF_KIND = {
    Kind.DATA_SET: """coalesce(to_jsonb(o) ->> 'afs_data', 'false') = 'false' and not exists (
        select 1 from external_data f where f.id = o.id and not f.storage_confirmation)"""
}


def expected(url: str, kind: Kind) -> dict[str, dict[str, PropertyValue]]:
    """The values by code, by perm id, of all entities that are not in the trash."""
    values, owner, assignment, assignments, owners, perm_id = RAW[kind]
    query = ROWS
    for place, name in (
        *(("<perm id>", perm_id), ("<values>", values), ("<owners>", owners), ("<owner>", owner)),
        *(("<assignments>", assignments), ("<assignment>", assignment)),
        ("<condition>", OF_KIND.get(kind, "true")),
    ):
        query = query.replace(place, name)
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    with connected_to(url) as connection:
        for perm_id, code, row, *columns in connection.execute(query.encode()).fetchall():
            material = row.get("mate_prop_id")
            if material is not None:
                text = connection.execute(MATERIAL, (material,)).fetchall()[0][0]
            else:
                text = text_of(row, *columns)
            if text is not None:
                found[perm_id][code].append(text)
    return {
        perm_id: {code: value_from(texts) for code, texts in codes.items()}
        for perm_id, codes in found.items()
    }


def text_of(
    row: Mapping[str, Any], text: str | None, reals: str | None, in_trash: int | None
) -> str | None:
    if text is not None:
        return text if in_trash is None else None
    if reals is not None:
        return ", ".join(java_double(float(one)) for one in reals.strip("{}").split(",") if one)
    for column, written in (
        ("integer_array_value", str),
        ("string_array_value", str),
        ("timestamp_array_value", moment),
    ):
        if row[column] is not None:
            return ", ".join(written(one) for one in row[column] if one is not None)
    raise AssertionError(row)


def moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000"


def several_of(found: Mapping[str, Entity]) -> dict[tuple[str, str], PropertyValue]:
    """Those properties that have several values, by perm id and code."""
    return {
        (perm_id, code): value
        for perm_id, entity in found.items()
        for code, value in entity.properties.items()
        if not isinstance(value, str)
    }


@pytest.mark.parametrize("database", [*GIVEN, *MADE])
@pytest.mark.parametrize("kind", RAW)
def test_all_values_are_those_of_the_tables_in_the_order_of_their_ids(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str, kind: Kind
) -> None:
    url = load_openbis(database)
    found = entities(open_catalogue(url), kind)

    properties = {
        perm_id: dict(entity.properties) for perm_id, entity in found.items() if entity.properties
    }
    assert properties == expected(url, kind)
    assert not [mark for each in found.values() for mark in each.unknown if is_of_values(mark)]


def is_of_values(mark: Any) -> bool:
    return mark.part is Part.PROPERTIES or mark.reason is Reason.SEVERAL_VALUES


@pytest.mark.parametrize("database", GIVEN)
def test_given_values_of_all_kinds_and_data_types_may_be_several(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    url = copy_openbis(database)
    # the data set with several values is still on its way
    run(url, "update external_data set storage_confirmation = true")
    catalogue = open_catalogue(url)
    of_data_sets = entities(catalogue, Kind.DATA_SET)
    samples = several_of(entities(catalogue, Kind.SAMPLE))
    on_one = {c: v for (p, c), v in samples.items() if p == "20260203050607891-7101"}

    assert several_of(entities(catalogue, Kind.EXPERIMENT))
    assert several_of(of_data_sets)
    assert not several_of(entities(catalogue, Kind.MATERIAL))
    assert {
        perm_id: dict(each.properties) for perm_id, each in of_data_sets.items() if each.properties
    } == expected(url, Kind.DATA_SET)
    assert len(on_one["X7_MULTI_TEXT"]) == 4
    assert len(set(on_one["X7_MULTI_TEXT"])) == 3
    assert "1, 2, 3" in {values_of(value)[0] for value in on_one.values()}
    assert len(on_one) == 7


@pytest.mark.parametrize("database", MADE)
def test_made_values_are_several_and_one_is_one(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    found = entities(open_catalogue(load_openbis(database)), Kind.SAMPLE)
    samples = {str(sample.code): sample for sample in found.values()}

    code = master_data.MULTI_VALUED
    assert samples["SAND"].properties[code] == later.KEYWORDS
    assert samples["SAND"].unknown == ()
    assert samples["SUGAR"].properties[code] == later.KEYWORDS[0]


def test_the_order_is_that_of_the_ids_however_the_rows_lie(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("made_213")
    catalogue = open_catalogue(url)
    of_value = "where value = '<value>'"
    run(url, f"update sample_properties set id = id + 5000 {of_value.replace('<value>', 'fine')}")  # noqa: S608
    run(url, "update sample_properties set value = value")  # PostgreSQL writes the rows anew

    found = entities(catalogue, Kind.SAMPLE)

    code = master_data.MULTI_VALUED
    (sand,) = (sample for sample in found.values() if sample.code == "SAND")
    assert sand.properties[code] == ("dry", "dry", "fine")


def references(url: str, *codes: str) -> None:
    """Adds values of the property $REFERENCE of PLATE-1 that name samples."""
    for number, code in enumerate(codes):
        run(
            url,
            "insert into sample_properties (id, samp_id, stpt_id, samp_prop_id)"  # noqa: S608
            f" select {9001 + number}, samp_id, stpt_id,"
            f"   (select id from samples_all where code = '{code}')"
            "   from sample_properties where samp_prop_id is not null and id < 9000"
            "   and samp_id = (select id from samples_all where code = 'PLATE-1')",
        )


def test_samples_in_the_trash_or_out_of_the_scope_drop_out_one_by_one(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("made_213")
    references(url, "TIDE-1", "GONE-1", "REFERENCE", "PLATE-2")
    catalogue = open_catalogue(url)
    perm_ids = {str(each.code): key for key, each in entities(catalogue, Kind.SAMPLE).items()}

    def shown(*spaces: str) -> tuple[PropertyValue, list[tuple[Reason, str | None]]]:
        plate = entities(catalogue, Kind.SAMPLE, *spaces)[perm_ids["PLATE-1"]]
        marks = [(one.reason, one.detail) for one in plate.unknown if one.part is Part.PROPERTIES]
        return plate.properties["$REFERENCE"], marks

    assert counted(url, "select count(*) from samples_all where code = 'GONE-1'") == 1
    named = [perm_ids[code] for code in ("REFERENCE", "TIDE-1", "REFERENCE", "PLATE-2")]
    assert shown() == (tuple(named), [])
    assert shown("ALPS") == (
        (named[0], *named[2:]),
        [(Reason.OUT_OF_SCOPE, "$REFERENCE")],
    )


def test_the_one_value_that_may_be_shown_is_shown_and_marked(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    """It must not be taken for the only one."""
    url = copy_openbis("made_213")
    references(url, "TIDE-1")
    found = entities(open_catalogue(url), Kind.SAMPLE, "ALPS")

    (plate,) = (sample for sample in found.values() if sample.code == "PLATE-1")
    assert found[str(plate.properties["$REFERENCE"])].code == "REFERENCE"
    assert [(one.reason, one.detail) for one in plate.unknown if one.part is Part.PROPERTIES] == [
        (Reason.OUT_OF_SCOPE, "$REFERENCE")
    ]


@pytest.mark.parametrize("database", ["made_192", "made_213"])
def test_an_empty_array_of_any_type_is_an_empty_text(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    url = copy_openbis(database)
    columns = ("integer", "real", "string", "timestamp")
    changed = {
        column: counted(
            url,
            f"select count(*) from sample_properties where {column}_array_value is not null",  # noqa: S608
        )
        for column in columns
    }
    run(
        url,
        *(
            f"update sample_properties set {column}_array_value = '{{}}'"  # noqa: S608
            f" where {column}_array_value is not null"
            for column in columns
        ),
    )
    assert all(changed.values())

    found = entities(open_catalogue(url), Kind.SAMPLE)

    empty = [v for each in found.values() for v in each.properties.values() if v == ""]
    assert len(empty) >= sum(changed.values())


def test_a_character_that_xml_forbids_is_replaced_in_one_of_several_values(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis("made_213")
    run(url, "update sample_properties set value = E'fi\\x01ne' where value = 'fine'")

    found = entities(open_catalogue(url), Kind.SAMPLE)

    (sand,) = (sample for sample in found.values() if sample.code == "SAND")
    assert sand.properties[master_data.MULTI_VALUED] == ("dry", "fi\ufffdne", "dry")
