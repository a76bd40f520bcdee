"""SQL statements from files that lie beside the code, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, CursorResult, TextClause, text

Rows = CursorResult[*tuple[Any, ...]]


@cache
def statements(package: str, file_name: str) -> Mapping[str, tuple[TextClause, ...]]:
    """The sections ``-- name: ...`` of a file; within a section statements end with ``;``."""
    content = files(package).joinpath(file_name).read_text(encoding="utf-8")
    _, *parts = re.split(r"^-- name: (\w+)\n", content, flags=re.MULTILINE)
    return {
        name: tuple(
            text(sql) for sql in re.split(r";\s*$", body, flags=re.MULTILINE) if sql.strip()
        )
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def execute(connection: Connection, section: str, /, **values: object) -> Rows:
    """Run a section of ``changes.sql``; returns the result of its last statement."""
    *before, last = statements("shared.store", "changes.sql")[section]
    for statement in before:
        connection.execute(statement, _used(statement, values))
    return connection.execute(last, _used(last, values))


def _used(statement: TextClause, values: Mapping[str, object]) -> dict[str, object]:
    return {name: values[name] for name in statement.compile().params}
