"""Incoming tables that stay from one run to the next: what is dropped of them, and what does not
count any more.

A pass completes rows of the incoming tables from the store, where a list does not say everything.
Such a row is not what was read. Triggers note whose rows were changed since the reading; in the
next run they are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, text

from shared.store.statements import Rows, SqlFile, execute_from

_FILE = SqlFile("shared.store", "kept_rows.sql")
# Rows that are written at once.
_AT_ONCE = 5_000
_ALL = ("INSERT", "UPDATE", "DELETE")
# Table, whose row it is (kind and perm id), and the changes after which it is not what was read.
_WATCHED = (
    ("incoming_entity", "{row}.kind, {row}.perm_id", ("UPDATE", "DELETE")),
    ("incoming_link", "{row}.kind, {row}.from_perm_id", _ALL),
    ("incoming_data_set_file", "'DATA_SET', {row}.code", _ALL),
    ("incoming_content_copy", "'DATA_SET', {row}.code", _ALL),
    ("incoming_attachment", "{row}.kind, {row}.perm_id", _ALL),
    ("incoming_unknown", "{row}.kind, {row}.perm_id", _ALL),
)


class ReadInFullError(Exception):
    """With what was kept from the last run it cannot be said what the list says; the text says
    why. The list has to be read without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What was kept: the last position, the bytes of all contents, and the positions of rows that
    do not count any more."""

    position: int
    bytes: int
    touched: Set[int]


def create(connection: Connection) -> None:
    """Makes the tables that are only needed to keep the others."""
    _execute(connection, "create")


def resume(connection: Connection, total_bytes: int) -> Resumed:
    """Takes up the tables of the last run. What was not read from entries of entities is removed:
    it comes again with each list."""
    for table, _, events in _WATCHED:
        for event in events:
            connection.execute(text(f"DROP TRIGGER IF EXISTS {_name(table, event)}"))
    _execute(connection, "clear")
    touched = _execute(connection, "touched").scalars()
    return Resumed(
        touched=frozenset(touched),
        position=_execute(connection, "last_position").scalar_one(),
        bytes=total_bytes,
    )


def watch(connection: Connection) -> None:
    """From now on, notes whose rows are changed."""
    _execute(connection, "forget_touched")
    for table, key, events in _WATCHED:
        for event in events:
            connection.execute(text(_trigger(table, key, event)))


def clear_references(connection: Connection) -> None:
    """References depend on the whole list."""
    _execute(connection, "clear_references")


def drop(connection: Connection, positions: Iterable[int], last: int) -> int:
    """Drops the rows of these entities, which are among those up to the position ``last``. Returns
    how many entities there were."""
    _execute(connection, "begin_drop")
    insert = text("INSERT INTO incoming_dropped VALUES (:position)")
    left, count = iter(positions), 0
    while rows := [{"position": position} for position in islice(left, _AT_ONCE)]:
        connection.execute(insert, rows)
        count += len(rows)
    if count:
        _execute(connection, "drop", last=last)
    return count


def _trigger(table: str, key: str, event: str) -> str:
    values = key.format(row="OLD" if event == "DELETE" else "NEW")
    return (
        f"CREATE TRIGGER pg_temp.{_name(table, event)} AFTER {event} ON {table} BEGIN"  # noqa: S608 - names of our own tables
        f" INSERT INTO incoming_touched SELECT k.kind, k.perm_id"
        f" FROM (SELECT {values.replace(', ', ' AS kind, ', 1)} AS perm_id) AS k"
        " WHERE NOT EXISTS (SELECT 1 FROM incoming_touched AS t"
        " WHERE t.kind = k.kind AND t.perm_id = k.perm_id); END"
    )


def _name(table: str, event: str) -> str:
    return f"{table}_{event.lower()}"


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)
