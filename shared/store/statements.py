"""Named SQL statements from files beside the code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, CursorResult, TextClause, text

Rows = CursorResult[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A file of statements in a package, beside the modules that use it."""

    package: str
    name: str


CHANGES = SqlFile("shared.store", "changes.sql")


@cache
def statements(file: SqlFile) -> Mapping[str, tuple[TextClause, ...]]:
    """The sections ``-- name: ...`` of a file; within a section statements end with ``;``."""
    content = files(file.package).joinpath(file.name).read_text(encoding="utf-8")
    _, *parts = re.split(r"^-- name: (\w+)\n", content, flags=re.MULTILINE)
    return {
        name: tuple(
            text(sql) for sql in re.split(r";\s*$", body, flags=re.MULTILINE) if sql.strip()
        )
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def execute(connection: Connection, section: str, /, **values: object) -> Rows:
    """Run a section of ``changes.sql``; returns the result of its last statement."""
    return execute_from(connection, CHANGES, section, **values)


def execute_from(connection: Connection, file: SqlFile, section: str, /, **values: object) -> Rows:
    """Run a section of a file; returns the result of its last statement."""
    found = statements(file)[section]
    *before, last = map(_from_left_to_right, found) if _is_sqlite(connection) else found
    for statement in before:
        connection.execute(statement, _used(statement, values))
    return connection.execute(last, _used(last, values))


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


# Tables with a row for each entity that differs, or that has something which few have.
_SMALL = (
    *("plan", "blocked", "claim", "completed", "differing", "marked", "restored", "attachment"),
    *("incoming_attachment", "incoming_fault", "incoming_outward", "incoming_unknown"),
)
# A FROM clause that begins with one of them, up to its end.
_FROM_SMALL = re.compile(
    rf"\bFROM (?:{'|'.join(_SMALL)}) AS .*?(?=\bWHERE\b|\bGROUP BY\b|\Z)", re.DOTALL
)


@cache
def _from_left_to_right(statement: TextClause) -> TextClause:
    """The statement for SQLite, which knows nothing of the size of such tables, and might look
    through all entities first. PostgreSQL learns it by ANALYZE."""
    return text(_FROM_SMALL.sub(_with_cross_joins, statement.text))


def _with_cross_joins(clause: re.Match[str]) -> str:
    return re.sub(r"(?<!LEFT )(?<!CROSS )\bJOIN\b", "CROSS JOIN", clause[0])


def _used(statement: TextClause, values: Mapping[str, object]) -> dict[str, object]:
    return {name: values[name] for name in _names(statement)}


@cache
def _names(statement: TextClause) -> tuple[str, ...]:
    """Names of a statement's parameters; cached, since finding them takes as long as a query."""
    return tuple(statement.compile().params)
