"""openBIS declares nearly all of its columns by domains; the given databases have plain types."""

from __future__ import annotations

from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import make_url

# Domains of openBIS by the type below them; what has a length has a domain of that length.
DOMAINS: dict[str, LiteralString] = {
    "bigint": "tech_id",
    "boolean": "boolean_char",
    "bytea": "file",
    "double precision": "double_value",
    "integer": "integer_value",
    "real": "real_value",
    "text": "text_value",
    "timestamp with time zone": "time_stamp",
    "jsonb": "json_value",
}

_VIEWS: LiteralString = """
select c.relname, pg_get_viewdef(c.oid) from pg_class c
 where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' order by c.oid
"""
_COLUMNS: LiteralString = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
  from pg_attribute a join pg_class c on c.oid = a.attrelid
 where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0
   and not a.attisdropped
"""


def declare_domains(url: str) -> int:
    """Give every column of a database a domain, and arrays one of their elements; how many."""
    address = make_url(url)
    with psycopg.connect(
        dbname=address.database, user=address.username, host=str(address.query["host"])
    ) as connection:
        views = connection.execute(_VIEWS).fetchall()
        for name, _ in reversed(views):
            _run(connection, sql.SQL("drop view {}").format(sql.Identifier(name)))
        columns = connection.execute(_COLUMNS).fetchall()
        made = {
            type_: _domain(connection, type_) for type_ in {_element(each[2]) for each in columns}
        }
        for table, column, type_ in columns:
            statement = sql.SQL("alter table {} alter column {} type {}{}").format(
                sql.Identifier(table),
                sql.Identifier(column),
                sql.Identifier(made[_element(type_)]),
                sql.SQL("[]" if type_.endswith("[]") else ""),
            )
            _run(connection, statement)
        for name, definition in views:
            query = sql.SQL("create view {} as ").format(sql.Identifier(name))
            _run(connection, query + sql.SQL(definition))
    return len(columns)


def _domain(connection: psycopg.Connection[tuple[object, ...]], type_: str) -> str:
    name = DOMAINS.get(type_) or "d_" + "".join(c if c.isalnum() else "_" for c in type_)
    _run(connection, sql.SQL("create domain {} as ").format(sql.Identifier(name)) + sql.SQL(type_))
    return name


def _element(type_: str) -> str:
    return type_.removesuffix("[]")


def _run(connection: psycopg.Connection[tuple[object, ...]], statement: sql.Composed) -> None:
    connection.execute(statement)
