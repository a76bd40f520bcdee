"""Meta data (schema 192 and later), and times since when data are immutable (202 and later)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from shared.model.entities import Entity
from shared.model.kinds import FACTS, Kind
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.catalogue import Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.servers.postgres import run

TABLES = {Kind.EXPERIMENT: "experiments", Kind.SAMPLE: "samples", Kind.DATA_SET: "data"}
SINCE = datetime(2026, 2, 3, 5, 6, 7, tzinfo=UTC)


def entities(catalogue: OpenBisCatalogue, kind: Kind) -> dict[str, Entity]:
    """All entities of a kind but AFS data, by code; codes of the made instance are unique."""
    with catalogue.snapshot() as view:
        everything = Scope(spaces=frozenset(view.space_codes()))
        found = view.entities(kind, everything)
        return {each.code: each for each in found if not each.is_afs}


def test_the_kinds_with_meta_data_are_those_of_openbis() -> None:
    assert {kind for kind, facts in FACTS.items() if facts.has_meta_data} == TABLES.keys()


@pytest.mark.parametrize(
    ("database", "made", "others"),
    [
        ("made_154", None, None),
        ("made_191", None, None),
        *((f"made_{schema}", {"made": "here"}, {}) for schema in (192, 201, 202, 213)),
    ],
)
def test_meta_data_are_known_since_openbis_has_them(
    load_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    database: str,
    made: Mapping[str, str] | None,
    others: Mapping[str, str] | None,
) -> None:
    catalogue = open_catalogue(load_openbis(database))

    assert all(one.meta_data == made for one in entities(catalogue, Kind.EXPERIMENT).values())
    for kind in (Kind.SAMPLE, Kind.DATA_SET):
        assert all(one.meta_data == others for one in entities(catalogue, kind).values())
    assert all(one.meta_data is None for one in entities(catalogue, Kind.PROJECT).values())


@pytest.mark.parametrize(
    ("stored", "published"),
    [
        ('{"b": "text", "a": ""}', {"a": "", "b": "text"}),
        ('{"a": "[1]", "b": [1, {"c": null}]}', {"a": "[1]", "b": '[1, {"c": null}]'}),
        ('{"a": 1.50, "b": true, "c": null, "": "1e400"}',
         {"a": "1.50", "b": "true", "c": "null", "": "1e400"}),
        ('{"a": 123456789012345678901234567890}', {"a": "123456789012345678901234567890"}),
        ('{"a\\u0001": "\\u0002 \\ud83d\\ude00"}', {"a\ufffd": "\ufffd 😀"}),
        ("{}", {}),
        ("null", {}),
        ("[1]", None),
        ('"text"', None),
    ],
)  # fmt: skip
def test_a_value_that_is_no_text_is_published_as_its_json(
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    caplog: pytest.LogCaptureFixture,
    stored: str,
    published: Mapping[str, str] | None,
) -> None:
    url = copy_openbis("made_213")
    execute(url, "update samples_all set meta_data = cast(:it as jsonb)", it=stored)

    with caplog.at_level(logging.WARNING):
        samples = entities(open_catalogue(url), Kind.SAMPLE)

    assert all(one.meta_data == published for one in samples.values())
    assert ("XML forbids" in caplog.text) == ("\\u0001" in stored)


@pytest.mark.parametrize(("database", "since"), [("made_202", SINCE), ("made_213", SINCE)])
def test_the_time_since_when_data_are_immutable_is_published(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str, since: datetime
) -> None:
    url = copy_openbis(database)
    for table, code in (("experiments_all", "WIND"), ("samples_all", "SAND")):
        run(
            url,
            f"update {table} set immutable_data_timestamp = null",  # noqa: S608
            f"update {table} set immutable_data_timestamp = '2026-02-03 05:06:07.891+00'"  # noqa: S608
            f" where code = '{code}'",
        )
    catalogue = open_catalogue(url)

    for kind, code in ((Kind.EXPERIMENT, "WIND"), (Kind.SAMPLE, "SAND"), (Kind.DATA_SET, "none")):
        found = {c: one.immutable_since for c, one in entities(catalogue, kind).items()}
        assert found == dict.fromkeys(found) | ({code: since} if code in found else {})


@pytest.mark.parametrize("database", ["made_198", "made_201"])
def test_no_time_is_made_up_for_a_flag(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str
) -> None:
    url = copy_openbis(database)
    run(url, "update samples_all set immutable_data = true")

    samples = entities(open_catalogue(url), Kind.SAMPLE).values()
    assert samples
    assert {one.immutable_since for one in samples} == {None}


def test_given_meta_data_and_times_are_those_of_the_database(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = load_openbis("x213_features")
    catalogue = open_catalogue(url)
    richest = 0
    for kind, view in TABLES.items():
        with catalogue.snapshot() as snapshot:
            everything = Scope(spaces=frozenset(snapshot.space_codes()))
            shown = snapshot.entities(kind, everything)
            found = {each.perm_id: each for each in shown if not each.is_afs}
        name = "code" if kind is Kind.DATA_SET else "perm_id"
        rows = execute(url, f"select {name} as name, v.* from {view} v")  # noqa: S608
        assert found.keys() <= {row.name for row in rows}
        for row in rows:
            if row.name in found:  # not a data set that is still being stored
                assert found[row.name].meta_data == (row.meta_data or {})
                since = getattr(row, "immutable_data_timestamp", None)
                assert found[row.name].immutable_since == (since and since.replace(microsecond=0))
                richest = max(richest, len(row.meta_data or {}))
    assert richest > 1


def execute(url: str, statement: str, **values: str) -> Any:
    """All rows of a query, if it is one."""
    engine = create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(text(statement), values)
        rows = result.all() if result.returns_rows else []
    engine.dispose()
    return rows
