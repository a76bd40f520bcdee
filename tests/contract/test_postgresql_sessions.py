"""Connections do not depend on what a server, a role, a database or the environment has set."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, make_url, text

from opendcim.connector.rows import open_rows
from opendcim.repository.storage import opened_repository
from shared.errors import ConfigError
from shared.model.ids import Code
from shared.model.kinds import ENTITY_KINDS, Kind
from shared.store.engine import connect, create_store, open_store
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.catalogues.openbis.connect import reading_engine, snapshot
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.given_data import openbis_file
from tests.support.instances.builders import a_sample, a_space, some_master_data
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.openbis.reading import ALL_SPACES, entities, master_data
from tests.support.servers.postgres import Postgres, run

HOSTILE = {
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "TimeZone": "America/St_Johns",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "default_transaction_isolation": "serializable",
    "statement_timeout": "150ms",
    "lock_timeout": "150ms",
    "idle_in_transaction_session_timeout": "150ms",
    "idle_session_timeout": "150ms",
}
OWN = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "default_transaction_isolation": "read committed",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}


def spoil(url: str) -> None:
    """Set for the whole database what makes values, times and limits look different."""
    name = make_url(url).database
    run(url, *(f"alter database {name} set {key} = '{value}'" for key, value in HOSTILE.items()))


@pytest.fixture(params=["ALTER DATABASE", "PGOPTIONS"])
def spoiled(
    request: pytest.FixtureRequest, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The URL of an empty database with such settings, however they are made."""
    if request.param == "ALTER DATABASE":
        spoil(postgres_url)
    else:
        options = " ".join(f"-c {key}={value}" for key, value in HOSTILE.items())
        monkeypatch.setenv("PGOPTIONS", options)
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    return postgres_url


def opened(kind: str, url: str) -> Engine:
    return reading_engine(url) if kind == "source" else connect(url)


@pytest.mark.parametrize("kind", ["source", "store"])
def test_each_connection_has_our_own_settings(spoiled: str, kind: str) -> None:
    engine = opened(kind, spoiled)
    try:
        with engine.connect() as connection:
            shown = {key: connection.execute(text(f"show {key}")).scalar_one() for key in OWN}
            assert shown == OWN
            assert connection.execute(text("select '漢€' || pg_sleep(0.3)")).scalar_one() == "漢€"
        with engine.connect() as connection:  # they outlive a transaction that is rolled back
            assert connection.execute(text("show TimeZone")).scalar_one() == "UTC"
    finally:
        engine.dispose()


def test_a_harvest_into_such_a_database_brings_everything(
    tmp_path: Path, postgres_url: str
) -> None:
    spoil(postgres_url)
    source = Instance.create(tmp_path / "source")
    sample = a_sample(properties={"NOTES": "漢€ü \\ 'x'"})
    source.load(some_master_data(), a_space(), sample)
    source.add_user()
    harvest = Harvest(tmp_path / "destination", database_url=postgres_url)
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        harvest.converges()

    assert harvest.instance.entities()[Kind.SAMPLE, sample.perm_id].properties == sample.properties
    harvest.instance.engine.dispose()
    source.engine.dispose()


def test_the_list_of_such_a_source_is_the_same(
    load_openbis: LoadOpenBis, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url, path_info = copy_openbis("x192_features"), copy_openbis("pathinfo_x192")
    for each in (url, path_info):
        spoil(each)
        run(each, f"alter database {make_url(each).database} set search_path = nowhere")
    plain = open_catalogue(
        load_openbis("x192_features"), path_info_url=load_openbis("pathinfo_x192")
    )
    catalogue = open_catalogue(url, path_info_url=path_info)

    assert_same(catalogue, plain)


def assert_same(one: OpenBisCatalogue, other: OpenBisCatalogue) -> None:
    assert master_data(one) == master_data(other)
    for kind in ENTITY_KINDS:
        assert entities(one, kind) == entities(other, kind)


def test_another_schema_is_read_if_the_url_names_it(postgres_url: str) -> None:
    run(postgres_url, "create schema other", "create table other.spaces (code text)")
    engine = reading_engine(f"{postgres_url}&options=-csearch_path%3Dother")
    try:
        with snapshot(engine) as connection:
            assert connection.execute(text("select count(*) from spaces")).scalar_one() == 0
    finally:
        engine.dispose()


@pytest.fixture
def encoded(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database with the encoding of the parameter."""
    name = f"encoded_{secrets.token_hex(6)}"
    with postgres.connected() as server:
        server.execute(
            f"create database {name} template template0 encoding '{request.param}'"
            " lc_collate 'C' lc_ctype 'C'".encode()
        )
    yield postgres.url(name)
    postgres.drop(name)


@pytest.mark.parametrize("encoded", ["SQL_ASCII", "LATIN1", "WIN1252"], indirect=True)
def test_a_database_of_ours_in_another_encoding_is_refused_with_what_to_do(
    encoded: str, request: pytest.FixtureRequest
) -> None:
    encoding = request.node.callspec.params["encoded"]
    for refused in (
        lambda: create_store(encoded),
        lambda: open_store(encoded),
        lambda: open_rows(encoded),
        lambda: opened_repository_once(encoded),
    ):
        with pytest.raises(ConfigError, match="createdb -E UTF8 -T template0") as refusal:
            refused()
        assert f"has the encoding {encoding}" in str(refusal.value)
        assert str(make_url(encoded).database) in str(refusal.value)


def opened_repository_once(url: str) -> None:
    with opened_repository(SecretStr(url)):
        pass


@pytest.mark.parametrize("encoded", ["SQL_ASCII"], indirect=True)
def test_a_source_whose_letters_have_no_meaning_is_refused(
    encoded: str, open_catalogue: OpenCatalogue
) -> None:
    with pytest.raises(ConfigError, match="SQL_ASCII, which does not say what its letters mean"):
        open_catalogue(encoded)


@pytest.mark.parametrize("encoded", ["LATIN1"], indirect=True)
def test_a_source_in_latin1_is_read_as_it_is_meant(encoded: str) -> None:
    run(encoded, "create table t (v text)", "insert into t values (U&'gr\\00FCn')")
    engine = reading_engine(encoded)
    try:
        with snapshot(engine) as connection:
            assert connection.execute(text("select v from t")).scalar_one() == "grün"
    finally:
        engine.dispose()


@pytest.mark.parametrize("encoded", ["LATIN1"], indirect=True)
def test_a_name_that_the_encoding_of_the_source_does_not_have_is_unknown(
    postgres: Postgres, encoded: str, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    plain = open_catalogue(load_openbis("openbis_unittest_192"))
    postgres.run_file(str(make_url(encoded).database), openbis_file("openbis_unittest_192.sql"))
    assert_same(open_catalogue(encoded), plain)
    run(encoded, "update persons set user_id = U&'m\\00FCller' where user_id = 'test'")
    catalogue = open_catalogue(encoded)

    assert catalogue.scope_of("müller") == plain.scope_of("test") is not None
    assert catalogue.scope_of("漢字") is None
    assert catalogue.data_set_file(Code("漢"), "x", ALL_SPACES) is None
