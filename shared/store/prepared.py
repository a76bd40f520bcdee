"""Queries that are executed often, with other values each time.

SQLAlchemy processes a query at each execution, cached or not: for a large one that takes longer
than the database needs for a thousand rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, Connection, Select, Text, any_, cast, func
from sqlalchemy import select as sql_select
from sqlalchemy.dialects.postgresql import ARRAY


class Prepared:
    """A query's text and parameters in the form of its driver."""

    def __init__(self, connection: Connection, query: Select[Any]) -> None:
        compiled = query.compile(
            dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
        )
        self._connection = connection
        self._text = str(compiled)
        self._values = compiled.params
        self._order = compiled.positiontup if compiled.positional else None

    def rows(self, **values: object) -> Sequence[tuple[Any, ...]]:
        """The driver's own tuples. ``values`` are those of the query's ``bindparam``s."""
        given: Any = self._values | values
        if self._order is not None:
            given = tuple(given[name] for name in self._order)
        with closing(self._connection.exec_driver_sql(self._text, given)) as result:
            return result.cursor.fetchall() if result.cursor else ()


def among(
    connection: Connection, column: ColumnElement[Any], texts: BindParameter[Any]
) -> ColumnElement[bool]:
    """Condition: the column has one of several texts, passed as one parameter by `together`."""
    if connection.dialect.name == "sqlite":
        each = func.json_each(texts).table_valued("value")
        return column.in_(sql_select(each.c.value))
    return column == any_(cast(texts, ARRAY(Text)))


def together(connection: Connection, texts: Sequence[str]) -> object:
    """Texts as one value: a thousand parameters would need a statement for each number."""
    return orjson.dumps(texts).decode() if connection.dialect.name == "sqlite" else list(texts)
