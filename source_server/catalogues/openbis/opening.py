"""Checks whether this program can read a database; the errors say what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import ProgrammingError

from shared.addresses import described
from shared.errors import ConfigError
from source_server.catalogues.openbis import (
    queries_access,
    queries_afs,
    queries_entities,
    queries_files,
    queries_master_data,
    queries_neighbours,
    queries_parts,
)
from source_server.catalogues.openbis.schema import NEWEST, OLDEST, Dialect, version_by

_LOG = logging.getLogger(__name__)

# The columns with their types. information_schema would hide what the user may not read. For a
# column with a domain it is the type below: openBIS declares nearly all columns by domains.
_COLUMNS = text("""
select c.relname || '.' || a.attname,
       format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null)
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any (current_schemas(false)) and a.attnum > 0 and not a.attisdropped
""")

_LOGGED = text("""
select max(db_version) from database_version_logs where run_status = 'SUCCESS'
""")

_OF_EVERY_OPENBIS = frozenset({"persons.user_id", "database_version_logs.db_version"})

_QUERIES = (
    *queries_access.ALL,
    *queries_entities.ALL,
    *queries_master_data.ALL,
    *queries_neighbours.ALL,
    *queries_parts.ALL,
)


def dialect_of(connection: Connection, *, allow_newer: bool = False) -> Dialect:
    """The dialect that fits this openBIS database; `ConfigError` if there is none.

    A database that is newer than `NEWEST` is read as that one only if ``allow_newer``: it may have
    new ways to say who sees what.
    """
    columns = _columns(connection)
    if not columns >= _OF_EVERY_OPENBIS:
        raise ConfigError(
            f"{described(connection.engine.url)} holds no tables persons and database_version_logs:"
            " it is not an openBIS database; openBIS names its own openbis_<database.kind>"
        )
    dialect = Dialect(_version(connection, columns, allow_newer=allow_newer))
    queries = (*_QUERIES, *queries_afs.ALL) if dialect.version >= queries_afs.FIRST else _QUERIES
    _check_queries(connection, map(dialect, queries), f"schema {dialect.version}")
    return dialect


def logged_version(connection: Connection) -> int:
    """The newest version in the database's own log; 0 if the log is empty. It may lag behind."""
    with _readable(connection, "an openBIS database"):
        logged = connection.execute(_LOGGED).scalar()
    return int(logged) if logged else 0


def files_query_of(connection: Connection) -> TextClause:
    """The query for files that fits this path-info database; ConfigError if there is none."""
    newest = "data_set_files.checksum" in _columns(connection)
    query = text(queries_files.FILES if newest else queries_files.FILES_UNTIL_008)
    _check_queries(connection, [query], "a path-info database")
    return query


def _columns(connection: Connection) -> frozenset[str]:
    rows = connection.execute(_COLUMNS).all()
    return frozenset(name for row in rows for name in (row[0], f"{row[0]} {row[1]}"))


def _version(connection: Connection, columns: frozenset[str], *, allow_newer: bool) -> int:
    # The log may lag behind, so the columns say which schema it is. But only the log can tell of
    # a schema that this program does not know: no mark of it is among `_MARKS`.
    version, logged = version_by(columns), logged_version(connection)
    where = described(connection.engine.url)
    if logged > NEWEST and not allow_newer:
        raise ConfigError(
            f"{where} has schema {logged} by its own log; this program knows schemas up to"
            f" {NEWEST}, and a newer one may say in new ways who sees what. Look for a newer"
            " release of this program. With allow-newer-schema = true it is read as the newest"
            " known one"
        )
    if logged > NEWEST:
        _LOG.warning(
            "%s has schema %d by its own log; this program knows schemas up to %d and reads it as"
            " that one. Look for a newer release of this program",
            where,
            logged,
            NEWEST,
        )
        return NEWEST
    if version < OLDEST:
        raise ConfigError(
            f"{where} has the schema of an old openBIS (version {logged or 'unknown'}); this"
            f" program reads schemas {OLDEST} to {NEWEST}. Upgrade openBIS to release 20.10 or"
            " later first: it migrates its database when it starts"
        )
    return version


def _check_queries(connection: Connection, queries: Iterable[TextClause], what: str) -> None:
    """Let PostgreSQL plan every query, which finds all that is missing or not allowed."""
    with _readable(connection, what):
        for query in queries:
            # EXPLAIN runs nothing, but wants a value for each parameter; null fits every type.
            nulls = dict.fromkeys(query.compile().params)
            connection.execute(text(f"explain {query.text}"), nulls)


@contextmanager
def _readable(connection: Connection, what: str) -> Iterator[None]:
    try:
        yield
    except ProgrammingError as fault:
        reason = str(fault.orig).strip().splitlines()[0]
        raise ConfigError(
            f"{described(connection.engine.url)} cannot be read as {what}: {reason}. If the"
            " database user lacks a right, grant SELECT on all tables and views to it. If"
            f" openBIS is newer than this program, which reads schemas {OLDEST} to {NEWEST},"
            " install a newer release of this program"
        ) from fault
