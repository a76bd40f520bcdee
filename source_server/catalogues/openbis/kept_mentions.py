"""Keeps, beside the states of entities (`kept_states`), which files of the file service their texts
mention, and in which state the files were."""

# ruff: noqa: S608 - statements are joined of texts of this module
from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from shared.paths import confine, safe_relative_path

KEPT = ("mention", "file")
TABLES = """
create table if not exists mention (kind text, id integer, path text, since integer,
    until integer, primary key (kind, id, path, since)) without rowid;
create table if not exists file (path text, since integer, until integer, state text,
    primary key (path, since)) without rowid;
"""
TEMPORARY = """
create temporary table seen_mention (kind text, id integer, path text,
    primary key (kind, id, path)) without rowid;
"""
_IS_LOOKED_AT = """
exists (select 1 from looked k where k.kind = m.kind and m.id between k.low and k.high)
"""
_GONE = f"""
select m.kind, m.id, m.path from mention m
 where m.until is null and {_IS_LOOKED_AT}
   and not exists (select 1 from seen_mention s
                    where s.kind = m.kind and s.id = m.id and s.path = m.path)
"""
_NEW = """
select s.kind, s.id, s.path from seen_mention s
 where not exists (select 1 from mention m where m.kind = s.kind and m.id = s.id
                      and m.path = s.path and m.until is null)
"""
_PATHS = f"""
select path from seen_mention
union select m.path from mention m where m.until is null and not {_IS_LOOKED_AT}
"""
# Nanoseconds within which two changes of a file may have the same time.
_RECENT = 2_000_000_000

_Row = tuple[str, int, str]


class MentionChanges:
    """What has changed since the last state."""

    def __init__(self, kept: sqlite3.Connection, root: Path | None) -> None:
        self._kept = kept
        self._gone: list[_Row] = kept.execute(_GONE).fetchall()
        self._new: list[_Row] = kept.execute(_NEW).fetchall()
        now = {path: _state(root, path) for (path,) in kept.execute(_PATHS)}
        before = dict(kept.execute("select path, state from file where until is null"))
        self._closed = [path for path, state in before.items() if now.get(path) != state]
        self._opened = [each for each in now.items() if before.get(each[0]) != each[1]]

    def __bool__(self) -> bool:
        return bool(self._gone or self._new or self._closed or self._opened)

    def keep(self, no: int) -> None:
        """Keep them as those of a new state."""
        self._each(
            "update mention set until = ? where kind = ? and id = ? and path = ? and until is null",
            ((no, *row) for row in self._gone),
        )
        self._each(
            "insert into mention (since, kind, id, path) values (?, ?, ?, ?)",
            ((no, *row) for row in self._new),
        )
        self._each(
            "update file set until = ? where path = ? and until is null",
            ((no, path) for path in self._closed),
        )
        self._each(
            "insert into file (since, path, state) values (?, ?, ?)",
            ((no, *each) for each in self._opened),
        )

    def _each(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._kept.executemany(statement, rows)


def _state(root: Path | None, path: str) -> str:
    """A text that changes when a file is written to, comes or goes; of one that was written to just
    now another one each time."""
    try:
        status = confine(root, safe_relative_path(path)).stat() if root else None
    except (OSError, ValueError) as error:
        return type(error).__name__
    if status is None:
        return ""
    if abs(time.time_ns() - status.st_ctime_ns) < _RECENT:
        return secrets.token_hex(8)
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
