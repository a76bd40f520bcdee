"""The floors: how fast the libraries alone do what cannot be avoided."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import psycopg
from lxml import etree

from tests.benchmarks.processes import timed

_BLOCK = 1 << 20


def parse(path: Path) -> float:
    """Seconds of lxml's ``iterparse``, each element cleared."""

    def work() -> None:
        for _, element in etree.iterparse(path, huge_tree=True):
            element.clear()

    return timed(work)[0]


def parse_by_standard_library(path: Path) -> float:
    """The same by the standard library."""

    def work() -> None:
        for _, element in ElementTree.iterparse(path):  # noqa: S314 - a list of our own
            element.clear()

    return timed(work)[0]


def parse_by_expat(path: Path) -> float:
    """expat alone, with handlers that do nothing."""

    def work() -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = lambda _name, _attributes: None
        parser.EndElementHandler = lambda _name: None
        parser.CharacterDataHandler = lambda _text: None
        with path.open("rb") as file:
            parser.ParseFile(file)

    return timed(work)[0]


def insert(instance: Path, target: Path) -> float:
    """Seconds of ``executemany`` of an instance's rows into new tables of SQLite."""
    rows = {name: (columns, list(found)) for name, columns, found in _tables(instance)}

    def work() -> None:
        with closing(sqlite3.connect(target)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            for name, (columns, found) in rows.items():
                marks = ", ".join("?" * len(columns))
                connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", found)  # noqa: S608
            connection.commit()

    seconds, _ = timed(work)
    target.unlink()
    return seconds


def copy(instance: Path, url: str) -> float:
    """Seconds of COPY of an instance's rows into new tables of PostgreSQL."""
    rows = {name: (columns, list(found)) for name, columns, found in _tables(instance)}

    def work() -> None:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            for name, (columns, found) in rows.items():
                cursor.execute(f"CREATE TABLE floor_{name} ({', '.join(columns)})")
                with cursor.copy(f"COPY floor_{name} FROM STDIN") as copied:
                    for row in found:
                        copied.write_row(row)

    seconds, _ = timed(work)
    with psycopg.connect(url) as connection:
        for name in rows:
            connection.execute(f"DROP TABLE floor_{name}")
    return seconds


_TYPES = {int: "bigint", bytes: "bytea"}


def _tables(instance: Path) -> Iterator[tuple[str, list[str], Iterator[tuple[Any, ...]]]]:
    """Entities and links of an instance, if there are some: name, columns with types, rows."""
    with closing(sqlite3.connect(instance)) as connection:
        for name in ("entity", "link"):
            cursor = connection.execute(f"SELECT * FROM {name}")  # noqa: S608 - our own names
            names = [column[0] for column in cursor.description]
            first = connection.execute(f"SELECT * FROM {name} LIMIT 1").fetchone()  # noqa: S608
            if first is None:
                continue
            columns = [
                f"{column} {_TYPES.get(type(value), 'text')}"
                for column, value in zip(names, first, strict=True)
            ]
            yield name, columns, cursor
