"""Reads the path-info database of a data store, in which openBIS records the files of data sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, Row, TextClause, text

from source_server.catalogues.openbis.connect import snapshot
from source_server.catalogues.openbis.queries_files import HAS_DATA_SETS

_ROWS_AT_ONCE = 2000
_HAS_DATA_SETS = text(HAS_DATA_SETS)

Rows = Iterable[Row[Any]]


class Noted:
    """The rows of some data sets, which must be asked for in byte order of their codes.

    ``is_empty``: the database knows no data set; it was never fed, or is being fed again.
    """

    def __init__(self, rows: Rows, *, is_empty: bool) -> None:
        self._data_sets = groupby(rows, lambda row: str(row.code))
        self._next: tuple[str, Rows] | None = next(self._data_sets, None)
        self.is_empty = is_empty

    def rows_of(self, code: str) -> Rows | None:
        """The rows of a data set, to be read before the next one is asked for; None if the database
        does not know it."""
        # Python compares texts by code points, which is the byte order of UTF-8 that the rows have.
        while self._next is not None and self._next[0] < code:
            self._next = next(self._data_sets, None)
        if self._next is None or self._next[0] != code:
            return None
        return self._next[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathInfo:
    """A path-info database."""

    engine: Engine
    query: TextClause

    @contextmanager
    def noted(self, codes: Sequence[str]) -> Iterator[Noted]:
        """The rows of data sets, fetched as they are read: a data set may have a million files."""
        with snapshot(self.engine) as connection:
            is_empty = not connection.execute(_HAS_DATA_SETS).scalar_one()
            with connection.execute(
                self.query, {"codes": codes}, execution_options={"yield_per": _ROWS_AT_ONCE}
            ) as rows:
                yield Noted(rows, is_empty=is_empty)
