"""What the plan of a pass (`shared.store.changes`) has for data sets, as reports tell it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from shared.store.changes import Action

_PLANNED = """
  FROM change AS c
  JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
 WHERE c.kind = 'DATA_SET' AND c.action = :action
"""
_COUNTS = text(f"SELECT coalesce(i.data_set_kind, ''), count(*) {_PLANNED} GROUP BY 1")
_CODES = text(f"SELECT coalesce(i.data_set_kind, ''), i.perm_id {_PLANNED} ORDER BY 1, 2")
_BLOCK = 1_000
"""Rows that are held at a time."""
_WAITING = text(
    """
SELECT coalesce(sum(f.length), 0) FROM change AS c
  JOIN incoming_data_set_file AS f ON f.code = c.perm_id
 WHERE c.kind = 'DATA_SET' AND c.action = 'waiting'
"""
)


def data_set_counts(connection: Connection, action: Action) -> dict[str, int]:
    """How many data sets of each kind (`shared.model.kinds.DataSetKind`) are planned so."""
    rows = connection.execute(_COUNTS, {"action": action.value})
    return {kind: int(number) for kind, number in rows}


def data_set_codes(connection: Connection, action: Action) -> Iterator[tuple[str, str]]:
    """Kinds and codes of the same; to be read to the end before the plan is changed."""
    query = _CODES.execution_options(yield_per=_BLOCK)
    for kind, code in connection.execute(query, {"action": action.value}):
        yield str(kind), str(code)


def waiting_bytes(connection: Connection) -> int:
    """Of all files of the data sets that wait for files."""
    return int(connection.execute(_WAITING).scalar_one())
