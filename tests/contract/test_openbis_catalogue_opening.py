"""Which databases are read, and what is said of those that are not."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import InternalError

from shared.errors import ConfigError
from shared.model.kinds import Kind
from source_server.catalogues.openbis.catalogue import OpenBisAccess
from source_server.catalogues.openbis.connect import connected, reading_engine, snapshot
from source_server.publication.catalogue import Scope
from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.openbis.examples import Examples
from tests.support.servers.postgres import Postgres, connected_to, run

# Schemas that changed something that a reader can see.
SEEN = (
    *(154, 155, 158, 159, 161, 163, 165, 166, 167, 170, 172, 173, 177, 179, 180, 181),
    *(184, 185, 186, 191, 192, 193, 194, 195, 196, 197, 198, 201, 202, 203, 205, 206, 207),
    *(210, 211, 212),
)


@pytest.mark.parametrize(
    ("database", "version"),
    [
        *((f"made_{version}", version) for version in SEEN),
        ("made_178", 177),  # 178 changed nothing that a reader could see
        ("made_183", 181),
        ("made_209", 207),
        ("made_213", 212),
        ("x207_features", 207),
        ("unittest_213", 212),
        ("x213_features", 212),
        ("openbis_unittest_154", 154),
        ("openbis_unittest_178", 177),
        ("openbis_unittest_192", 192),  # its own log says 189
        ("x192_features", 192),
        ("openbis_sync_big_harvester", 177),
        ("m192_yeastx", 192),
    ],
)
def test_the_schema_is_told_by_its_columns(
    load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, database: str, version: int
) -> None:
    assert open_catalogue(load_openbis(database)).schema_version == version


@pytest.mark.parametrize(("marks", "version"), [(1, 191), (2, 186), (3, 185), (4, 184)])
def test_a_schema_between_is_told_by_what_it_lacks(
    examples: Examples,
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    marks: int,
    version: int,
) -> None:
    """A 192 database loses mark by mark what the latest schemas brought, and is still read."""
    url = copy_openbis(examples.database)
    latest_first = (
        *("samples_all.meta_data", "sample_properties.json_value"),
        *("events_search.id", "sample_properties.is_unique"),
    )
    for mark in latest_first[:marks]:
        table, column = mark.split(".")
        run(url, f"alter table {table} rename column {column} to was_{column}")

    catalogue = open_catalogue(url)

    assert catalogue.schema_version == version
    with catalogue.snapshot() as view:
        samples = view.entities(Kind.SAMPLE, Scope(spaces=frozenset(view.space_codes())))
        arrays = {code for each in samples for code in each.properties if code == examples.reals}
    assert bool(arrays) == (version >= 191)


def test_schemas_181_to_183_have_a_column_that_184_took_away(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.database)
    for table, column in (
        ("samples_all", "meta_data"),
        ("sample_properties", "json_value"),
        ("events_search", "id"),
        ("sample_properties", "is_unique"),
    ):
        run(url, f"alter table {table} rename column {column} to was_{column}")
    for table in ("property_types", "controlled_vocabularies"):
        run(url, f"alter table {table} add is_internal_namespace boolean not null default true")

    catalogue = open_catalogue(url)

    assert catalogue.schema_version == 181
    with catalogue.snapshot() as view:
        assert all(each.internal for each in view.master_data().property_types)


def test_an_old_schema_is_refused_with_what_to_do(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    with pytest.raises(ConfigError) as refusal:
        open_catalogue(load_openbis(examples.old))

    message = str(refusal.value)
    for said in (
        examples.old,
        f"version {examples.old_schema}",
        "schemas 154 to 213",
        "Upgrade openBIS",
    ):
        assert said in message


def test_a_database_of_something_else_is_refused(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, postgres_url: str
) -> None:
    for url in (load_openbis(examples.path_info), postgres_url):
        with pytest.raises(ConfigError, match=r"not an openBIS database; .*database\.kind"):
            open_catalogue(url)


def test_a_newer_schema_is_refused_unless_the_operator_allows_it(
    examples: Examples,
    copy_openbis: LoadOpenBis,
    open_catalogue: OpenCatalogue,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = copy_openbis(examples.latest)
    _log_version(url, "214")

    with pytest.raises(ConfigError, match=r"has schema 214 .* allow-newer-schema = true"):
        open_catalogue(url)
    with caplog.at_level(logging.WARNING):
        catalogue = open_catalogue(url, access=OpenBisAccess(allow_newer_schema=True))

    assert catalogue.schema_version == 213
    assert "has schema 214 by its own log" in caplog.text
    assert "newer release of this program" in caplog.text


def test_a_newer_schema_that_lacks_something_is_refused_with_what_it_lacks(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.latest)
    _log_version(url, "214")
    run(url, "alter table external_data rename column location to place")

    with pytest.raises(ConfigError, match=r"f\.location does not exist.*newer release"):
        open_catalogue(url, access=OpenBisAccess(allow_newer_schema=True))


def _log_version(url: str, version: str) -> None:
    run(
        url,
        """insert into database_version_logs (db_version, module_name, run_status)
           values ('<version>', 'test', 'SUCCESS')""".replace("<version>", version),
    )


def test_a_server_that_cannot_be_reached_is_named_without_the_password(
    open_catalogue: OpenCatalogue,
) -> None:
    with pytest.raises(ConfigError) as refusal:
        open_catalogue("postgresql://mira:s3cret@127.0.0.1:1/openbis_prod")

    message = str(refusal.value)
    for said in ("openbis_prod", "127.0.0.1:1", "as mira", "check that PostgreSQL runs"):
        assert said in message
    assert "s3cret" not in message


def test_a_database_that_does_not_exist_is_named(
    postgres: Postgres, open_catalogue: OpenCatalogue
) -> None:
    with pytest.raises(ConfigError, match='"openbis_nowhere" does not exist'):
        open_catalogue(postgres.url("openbis_nowhere"))


@pytest.mark.parametrize("url", ["", "no url", "sqlite:///x.db", "mysql://u:hidden@h/d"])
def test_only_postgresql_is_read(open_catalogue: OpenCatalogue, url: str) -> None:
    with pytest.raises(ConfigError, match="database URL") as refusal:
        open_catalogue(url)
    assert "hidden" not in str(refusal.value)


def test_a_server_that_goes_away_later_is_a_clear_error_too(
    examples: Examples, copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = copy_openbis(examples.small)
    catalogue = open_catalogue(url)
    name = str(make_url(url).database)
    run(url.replace(name, "postgres"), f"drop database {name} with (force)")

    with pytest.raises(ConfigError, match=f"cannot connect to the database {name}"):
        catalogue.scope_of("admin")


def test_a_path_info_database_that_is_none_is_refused(
    examples: Examples, load_openbis: LoadOpenBis, open_catalogue: OpenCatalogue
) -> None:
    url = load_openbis(examples.database)

    with pytest.raises(ConfigError, match="cannot be read as a path-info database"):
        open_catalogue(url, path_info_url=url)


@pytest.fixture
def reader(examples: Examples, postgres: Postgres, copy_openbis: LoadOpenBis) -> Iterator[str]:
    """The URL of a database for a user of its own that may do nothing."""
    url = copy_openbis(examples.database)
    name = f"reader_{secrets.token_hex(4)}"
    with postgres.connected() as server:
        server.execute(f"create role {name} login".encode())
        yield str(make_url(url).set(username=name).render_as_string())
        with connected_to(url) as connection:
            connection.execute(f"drop owned by {name}".encode())
        server.execute(f"drop role {name}".encode())


def test_a_user_who_may_not_read_is_told_which_right_is_missing(
    reader: str, open_catalogue: OpenCatalogue
) -> None:
    with pytest.raises(ConfigError, match=r"permission denied for .*grant SELECT"):
        open_catalogue(reader)

    administrator, name = _administrator(reader), make_url(reader).username
    run(administrator, f"grant select on all tables in schema public to {name}")
    run(administrator, f"revoke all on attachment_contents from {name}")
    with pytest.raises(ConfigError, match="permission denied for table attachment_contents"):
        open_catalogue(reader)


def test_views_are_enough_before_the_application_file_service(
    reader: str, open_catalogue: OpenCatalogue
) -> None:
    """From schema 197 on the view hides the data sets of that service, so the table is read."""
    administrator, name = _administrator(reader), make_url(reader).username
    run(
        administrator,
        f"grant select on all tables in schema public to {name}",
        f'grant pg_read_all_stats to "{name}"',
        f"revoke all on data_all from {name}",
    )

    assert open_catalogue(reader).schema_version == 192


def test_a_user_who_cannot_see_open_transactions_is_refused_with_the_statement_that_helps(
    examples: Examples, reader: str, open_catalogue: OpenCatalogue
) -> None:
    """Else what is committed while a list is read would never be harvested."""
    administrator, name = _administrator(reader), make_url(reader).username
    run(administrator, f"grant select on all tables in schema public to {name}")

    with pytest.raises(ConfigError, match=f'grant pg_read_all_stats to "{name}"'):
        open_catalogue(reader)

    run(administrator, f'grant pg_read_all_stats to "{name}"')
    assert open_catalogue(reader).scope_of(examples.keeper) is not None


def _administrator(url: str) -> str:
    return make_url(url).set(username="postgres").render_as_string()


@pytest.mark.parametrize("opened", [connected, snapshot])
def test_nothing_can_be_written(
    examples: Examples,
    copy_openbis: LoadOpenBis,
    opened: Callable[[Engine], AbstractContextManager[Connection]],
) -> None:
    engine = reading_engine(copy_openbis(examples.database))
    try:
        with opened(engine) as connection, pytest.raises(InternalError, match="read-only"):
            connection.execute(text("delete from events"))
    finally:
        engine.dispose()
