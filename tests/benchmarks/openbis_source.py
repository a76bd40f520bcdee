"""The source server over an openBIS database, in which one sample was copied many times: over the
given one where it is there, else over the made one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from source_server.users.users_file import UsersFile
from tests.benchmarks.measures import MEGABYTE, Measure, Sizes
from tests.benchmarks.processes import timed
from tests.benchmarks.serving import Fetched, Server, served
from tests.support.given_data import is_given
from tests.support.instances.instance import PASSWORD, hashed
from tests.support.openbis.examples import GIVEN, MADE
from tests.support.servers.postgres import Postgres

_CAST = GIVEN if is_given(f"data/openbis/{GIVEN.database}.sql") else MADE
# Of that database; sees everything in it.
_USER = _CAST.keeper
_TRIES = 3
_ROWS_AT_ONCE = 2_000

_COPIED = """
create temporary table copied as
select samp_id as id from sample_properties group by samp_id order by count(*) desc, samp_id limit 1
"""
_SAMPLES = """
insert into samples_all
select r.* from samples_all s, generate_series(1, %(count)s) n,
       lateral jsonb_populate_record(null::samples_all, to_jsonb(s) || jsonb_build_object(
           'id', 1000000 + n, 'code', 'COPY-' || n, 'perm_id', '20240101080000000-' || 1000000 + n,
           'code_unique_check', 'COPY-' || n, 'subcode_unique_check', null,
           'sample_identifier', '/COPY-' || n)) r
 where s.id = (select id from copied)
"""
_PROPERTIES = """
insert into sample_properties
select r.* from (select p.*, row_number() over () as rank from sample_properties p
                  where p.samp_id = (select id from copied)) v, generate_series(1, %(count)s) n,
       lateral jsonb_populate_record(null::sample_properties, to_jsonb(v) || jsonb_build_object(
           'id', 1000000 + n * 100 + v.rank, 'samp_id', 1000000 + n)) r
"""
_LINKS = """
insert into sample_relationships_all (id, sample_id_parent, sample_id_child, relationship_id,
                                      registration_timestamp, modification_timestamp,
                                      parent_frozen, child_frozen)
select 1000000 + n, 1000000 + n, 1000001 + n %% %(count)s, t.id, now(), now(), false, false
  from relationship_types t, generate_series(1, %(count)s) n where t.code = 'PARENT_CHILD'
"""
_READ = (
    "select * from samples_all order by id",
    "select * from sample_properties order by samp_id",
    "select * from sample_relationships_all order by sample_id_parent",
)


@contextmanager
def many_samples(folder: Path, count: int) -> Iterator[str]:
    """The URL of a database with so many samples more."""
    server = Postgres(folder)
    try:
        with server.fresh_openbis(_CAST.database) as url:
            with server.connected(str(make_url(url).database)) as connection:
                connection.execute("set session_replication_role = replica")  # no triggers
                connection.execute(_COPIED)
                for statement in (_SAMPLES, _PROPERTIES, _LINKS):
                    connection.execute(statement, {"count": count})
                connection.execute("vacuum analyze")
            yield url
    finally:
        server.stop()


def floor_of(url: str, entry: str) -> float:
    """Seconds to read the same rows with psycopg, and to join texts that are escaped already."""
    address = make_url(url)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        parts = [f"{part}<x:value>" for part in entry.split("<x:value>")]
        return min(timed(partial(_join, connection, parts))[0] for _ in range(_TRIES))


def _join(connection: psycopg.Connection[Any], parts: list[str]) -> int:
    samples, properties, links = (_rows(connection, query) for query in _READ)
    sum(1 for _ in properties)
    sum(1 for _ in links)
    return sum(len("".join([str(sample[1]), *parts]).encode()) for sample in samples)


def _rows(connection: psycopg.Connection[Any], query: str) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(f"c{abs(hash(query))}") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        yield from cursor.execute(query)


def measures(folder: Path, sizes: Sizes) -> Iterator[Measure]:
    folder.mkdir(parents=True, exist_ok=True)
    with many_samples(folder / "postgres", sizes.small) as url, _published(folder, url) as server:
        body: list[bytes] = []
        server.fetch(_USER, keep=body.append)
        assert_whole_entries(b"".join(body), sizes.small)
        entry = b"".join(body).decode().rpartition("<url>")[2]
        del body
        floor = floor_of(url, entry)
        fetched = min((server.fetch(_USER) for _ in range(_TRIES)), key=_seconds)
        assert fetched.entries > sizes.small, f"{fetched.entries} entries"
        yield Measure(
            key="openbis-S",
            title=f"publish an openBIS database with {sizes.small:,} samples more",
            value=fetched.seconds,
            unit="s",
            floor=floor,
            mark=3,
            note=f"{fetched.size / MEGABYTE:.0f} MB; {fetched.work:.2f} s of processor",
        )
        yield Measure(
            key="openbis-memory",
            title="peak memory of the server on it",
            value=server.peak / MEGABYTE,
            unit="MB",
            mark=120,
        )


def _seconds(fetched: Fetched) -> float:
    return fetched.seconds


def assert_whole_entries(body: bytes, count: int) -> None:
    """All copies are there, each with its child and its properties."""
    assert body.endswith(b"</urlset>")
    assert body.count(b'<x:xd code="COPY-') == count
    assert body.count(b'type="Child"') >= count
    assert body.count(b"<x:property>") > count


@contextmanager
def _published(folder: Path, url: str) -> Iterator[Server]:
    users, store = folder / "users", folder / "store"
    store.mkdir()
    UsersFile(users).add(_USER, hashed(PASSWORD))
    settings = {
        "catalogue": "openbis",
        "database-url": url.replace("+psycopg", ""),
        "path-info-database-url": "none",
        "storeroot-dir": str(store),
        "users-file": str(users),
    }
    with served(folder, settings) as server:
        yield server
