"""The plan of a pass (`shared.store.changes`) for data sets, as reports show it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import orjson
from sqlalchemy import Connection, bindparam, select, text

from shared.model.entities import FileNode
from shared.model.kinds import Kind
from shared.store.changes import Action
from shared.store.incoming import data_set_files
from shared.store.incoming_tables import entities
from shared.store.incoming_tables import files as file
from shared.store.rows import to_file

_PLANNED = """
  FROM plan AS c
  JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
 WHERE c.kind = 'DATA_SET' AND c.action = :action
"""
_SORT = "CASE WHEN i.afs IS NULL THEN coalesce(i.data_set_kind, '') ELSE 'AFS' END"
_COUNTS = text(f"SELECT {_SORT}, count(*) {_PLANNED} GROUP BY 1")
_CODES = text(f"SELECT {_SORT}, i.perm_id {_PLANNED} ORDER BY 1, 2")
# Rows that are held at a time.
_BLOCK = 1_000
_WAITING = text(
    """
SELECT coalesce(sum(f.length), 0) FROM plan AS c
  JOIN incoming_data_set_file AS f ON f.code = c.perm_id
 WHERE c.kind = 'DATA_SET' AND c.action = 'waiting'
"""
)

_GUARDED = text(
    """
SELECT d.code, d.path, d.length, d.crc32, d.checksum, d.modified FROM data_set_file AS d
  JOIN incoming_data_set_file AS f ON f.code = d.code AND f.path = d.path
 WHERE d.code IN :codes AND d.length > 0
   AND NOT (f.length = d.length AND coalesce(f.crc32, -1) = coalesce(d.crc32, -1)
        AND coalesce(f.checksum, '') = coalesce(d.checksum, '')
        AND (d.crc32 IS NOT NULL OR d.checksum IS NOT NULL))
   AND NOT EXISTS (SELECT 1 FROM plan AS c
                    WHERE c.kind = 'DATA_SET_CONTENT' AND c.perm_id = d.code
                      AND c.action = 'gone')
"""
).bindparams(bindparam("codes", expanding=True))
_HAVE_FILES = text("SELECT DISTINCT code FROM data_set_file WHERE code IN :codes").bindparams(
    bindparam("codes", expanding=True)
)
_BROUGHT = text("SELECT path FROM data_set_file WHERE code = :code")


def data_set_counts(connection: Connection, action: Action) -> dict[str, int]:
    """The number of data sets planned for an action, by kind (`shared.model.kinds.DataSetKind`);
    AFS data are a kind here, ``AFS``."""
    rows = connection.execute(_COUNTS, {"action": action.value})
    return {kind: int(number) for kind, number in rows}


def data_set_codes(connection: Connection, action: Action) -> Iterator[tuple[str, str]]:
    """Kinds and codes of these data sets. Read it to the end before changing the plan."""
    query = _CODES.execution_options(yield_per=_BLOCK)
    for kind, code in connection.execute(query, {"action": action.value}):
        yield str(kind), str(code)


def waiting_bytes(connection: Connection) -> int:
    """The size of all files of the data sets that wait for files."""
    return int(connection.execute(_WAITING).scalar_one())


def files_of_first(
    connection: Connection, codes: Sequence[str], most: int = _BLOCK
) -> dict[str, tuple[FileNode, ...]]:
    """The files in the list of the first of these data sets, whose codes are sorted: of as many
    data sets as have less than ``most`` files together, but of at least one."""
    query = (
        select(file).where(file.c.code.in_(codes)).order_by(file.c.code, file.c.path).limit(most)
    )
    rows = connection.execute(query).all()
    # The limit may have cut the files of the last data set, which is left to the next call.
    whole = list(codes) if len(rows) < most else [code for code in codes if code < rows[-1].code]
    # The first data set alone reaches the limit; without it the caller would never get further.
    if not whole:
        return {codes[0]: data_set_files(connection, codes[0])}
    found: dict[str, list[FileNode]] = {code: [] for code in whole}
    for row in rows:
        if row.code in found:
            found[row.code].append(replace(to_file(row[1:]), href=row.href))
    return {code: tuple(nodes) for code, nodes in found.items()}


def empty_folders(connection: Connection, codes: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The empty folders in the list of some data sets; without data sets that have none."""
    column = entities.c
    query = select(column.perm_id, column.afs).where(
        column.kind == Kind.DATA_SET.value, column.perm_id.in_(codes), column.afs.is_not(None)
    )
    found = {str(code): tuple(orjson.loads(afs)) for code, afs in connection.execute(query)}
    return {code: folders for code, folders in found.items() if folders}


def guarded_files(connection: Connection, codes: Collection[str]) -> dict[str, dict[str, FileNode]]:
    """The rows of those files of some data sets that the list describes in another way and of which
    the plan removes none, by code and path. Checksums of different types cannot be compared, so
    only the bytes can tell whether the contents are equal."""
    found: dict[str, dict[str, FileNode]] = {code: {} for code in codes}
    for row in connection.execute(_GUARDED, {"codes": list(codes)}):
        found[row.code][row.path] = to_file(row[1:])
    return found


def with_files(connection: Connection, codes: Collection[str]) -> frozenset[str]:
    """Those of some data sets whose files have rows here."""
    return frozenset(connection.execute(_HAVE_FILES, {"codes": list(codes)}).scalars())


def brought_paths(connection: Connection, code: str) -> frozenset[str]:
    """The paths of a data set's files that have rows here."""
    return frozenset(connection.execute(_BROUGHT, {"code": code}).scalars())
