"""Keeps, in a file of SQLite, which states of an openBIS database were seen, since openBIS's own
database is only read: what has gone from it leaves no row there.

A state has a number. Each entity has a row for each version of it: ``since`` is the first state
with it, ``until`` the first without it. So a hundred states take hardly more room than one. An
*era* is the time over which states can be compared; with a new one all earlier states are
forgotten.

Each change is one transaction: a server that is killed leaves the states that were whole before.
Several servers take turns.
"""

# ruff: noqa: S608 - statements are joined of texts of this module
from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from source_server.catalogues.openbis import kept_mentions
from source_server.catalogues.openbis.kept_mentions import MentionChanges

# Goes up when a state is kept, or an entity is looked at, in another way.
_FORMAT = 1
# Seconds for which one server waits for another that looks at the database.
_PATIENCE = 120
# A state is forgotten when it has been replaced for so long, in seconds.
_LIFETIME = 92 * 24 * 3600
_ALL_IDS = range(-(2**63), 2**63)

_TABLES = """
create table if not exists era (only integer primary key check (only = 1), instance text,
    store text, next integer);
create table if not exists state (no integer primary key autoincrement, token text not null,
    taken real not null);
create table if not exists entity (kind text, id integer, since integer, until integer,
    perm_id text, name text, space integer, project integer, lone integer, shown integer,
    version integer, files integer, primary key (kind, id, since)) without rowid;
create index if not exists entity_since on entity (since);
create index if not exists entity_until on entity (until) where until is not null;
create index if not exists entity_files on entity (perm_id) where files is not null;
create table if not exists bucket (kind text, bucket integer, sum text,
    primary key (kind, bucket)) without rowid;
create table if not exists shown_otherwise (kind text, id integer, primary key (kind, id))
    without rowid;
"""
_TEMPORARY = """
create temporary table seen (kind text, id integer, perm_id text, name text, space integer,
    project integer, lone integer, shown integer, version integer, files integer,
    primary key (kind, id)) without rowid;
create temporary table looked (kind text, low integer, high integer);
create temporary table touched (kind text, id integer, primary key (kind, id)) without rowid;
create temporary table altered (kind text, id integer, primary key (kind, id)) without rowid;
"""
# The last versions of what was looked at, one by one.
_LIVE = """(select e.* from looked k
      cross join entity e on e.kind = k.kind and e.id between k.low and k.high
     where e.until is null)"""
_IS_DEFINITION = "{}.kind glob '[a-z]*'"

# The entities whose code or place has changed, and those that are new or gone: the entries of
# others name them.
_MOVED = f"""
select l.kind, l.id from {_LIVE} l left join seen s on s.kind = l.kind and s.id = l.id
 where s.id is null
    or (s.shown, s.perm_id, s.space, s.project, s.lone)
       is not (l.shown, l.perm_id, l.space, l.project, l.lone)
union all
select s.kind, s.id from seen s left join {_LIVE} l on l.kind = s.kind and l.id = s.id
 where l.id is null
"""
_ALTER = f"""
insert into altered
select l.kind, l.id from {_LIVE} l left join seen s on s.kind = l.kind and s.id = l.id
 where s.id is null
    or (s.version, s.files, s.shown, s.perm_id, s.name, s.space, s.project, s.lone)
       is not (l.version, l.files, l.shown, l.perm_id, l.name, l.space, l.project, l.lone)
union select s.kind, s.id from seen s left join {_LIVE} l on l.kind = s.kind and l.id = s.id
       where l.id is null
union select t.kind, t.id from touched t join seen s on s.kind = t.kind and s.id = t.id
"""
# What was touched, and not looked at, is as it was.
_SEE_TOUCHED = """
insert or ignore into seen
select e.kind, e.id, e.perm_id, e.name, e.space, e.project, e.lone, e.shown, e.version, e.files
  from touched t cross join entity e on e.kind = t.kind and e.id = t.id
 where e.until is null
   and not exists (select 1 from looked k
                    where k.kind = t.kind and t.id between k.low and k.high)
"""
# Used ones cannot be removed.
_DEFINITION_CHANGED = f"""
select exists (select 1 from {_LIVE} l join seen s on s.kind = l.kind and s.id = l.id
                where {_IS_DEFINITION.format("l")} and s.shown is not l.shown)
"""
_HAS_ONLY_NEW_DEFINITIONS = f"""
select not exists (select 1 from altered a where not {_IS_DEFINITION.format("a")})
"""
_CLOSE = """
update entity set until = :no
 where until is null and exists (select 1 from altered a
                                  where a.kind = entity.kind and a.id = entity.id)
"""
_OPEN = """
insert or replace into entity
    (kind, id, since, perm_id, name, space, project, lone, shown, version, files)
select s.kind, s.id, :no, s.perm_id, s.name, s.space, s.project, s.lone, s.shown, s.version,
       s.files
  from altered a join seen s on s.kind = a.kind and s.id = a.id
"""
_SHOWN_OTHERWISE = """
select e.kind, e.id from entity e
 where e.kind = ? and e.perm_id = ? and e.files is not null and e.files <> ?
   and e.since <= ? and (e.until is null or e.until > ?)
"""


class Seen(NamedTuple):
    """An entity as it was looked at. Definitions have kinds in lower-case letters."""

    kind: str
    id: int
    perm_id: str = ""
    name: str | None = None
    space: int | None = None
    project: int | None = None
    lone: int | None = None
    shown: int = 0
    version: int = 0
    files: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A state that is kept. The token tells it from one of the same number in a file that is gone,
    or in a copy of this file that was put back."""

    no: int
    token: str


class Look:
    """A look at the database that is to become a state."""

    def __init__(self, kept: sqlite3.Connection) -> None:
        self._kept = kept

    def begin(self, instance: str, following: int) -> None:
        """Begins a new era unless the last look was at this instance, with fewer transactions."""
        row = self._kept.execute("select instance, next from era").fetchone()
        if row is None or row[0] != f"{_FORMAT} {instance}" or row[1] > following:
            self._forget()
        self._kept.execute("delete from era")
        self._kept.execute(
            "insert into era (only, instance, next) values (1, ?, ?)",
            (f"{_FORMAT} {instance}", following),
        )

    def looks_at(self, kind: str, ids: Iterable[range] = (_ALL_IDS,)) -> None:
        """All entities of this kind with these ids will be added, each once."""
        rows = ((kind, each.start, each.stop - 1) for each in ids)
        self._kept.executemany("insert into looked values (?, ?, ?)", rows)

    def differing(self, kind: str, sums: Mapping[int, str]) -> set[int]:
        """The buckets whose sums are no longer those of the last state."""
        query = "select bucket, sum from bucket where kind = ?"
        before = dict(self._kept.execute(query, (kind,)).fetchall())
        found = {each for each, of in sums.items() if before.get(each) != of}
        rows = ((kind, each, sums[each]) for each in found)
        self._kept.executemany("insert or replace into bucket values (?, ?, ?)", rows)
        gone = before.keys() - sums.keys()
        query = "delete from bucket where kind = ? and bucket = ?"
        self._kept.executemany(query, ((kind, each) for each in gone))
        return found | gone

    def add(self, seen: Iterable[Seen]) -> None:
        self._kept.executemany("insert into seen values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", seen)

    def definitions_are_compared(self) -> None:
        """Begins a new era if a definition has changed."""
        if self._kept.execute(_DEFINITION_CHANGED).fetchone()[0]:
            self._forget()

    def is_first(self) -> bool:
        return not self._kept.execute("select exists (select 1 from state)").fetchone()[0]

    def moved(self) -> dict[str, set[int]]:
        """Ids by kind of the entities of which others show something that has changed."""
        found: dict[str, set[int]] = {}
        for kind, number in self._kept.execute(_MOVED):
            found.setdefault(kind, set()).add(number)
        return found

    def touch(self, kind: str, ids: Iterable[int]) -> None:
        rows = ((kind, each) for each in ids)
        self._kept.executemany("insert or ignore into touched values (?, ?)", rows)

    def add_mentions(self, kind: str, mentions: Iterable[tuple[int, str]]) -> None:
        """Ids of entities that were looked at, and paths of files that their texts mention."""
        rows = ((kind, *each) for each in mentions)
        self._kept.executemany("insert or ignore into seen_mention values (?, ?, ?)", rows)

    def state(self, service_root: Path | None) -> State:
        """The state, which is the last one if nothing has changed since."""
        self._kept.execute("insert or ignore into touched select kind, id from shown_otherwise")
        self._kept.execute("delete from shown_otherwise")
        self._kept.execute(_SEE_TOUCHED)
        self._kept.execute(_ALTER)
        last = self._kept.execute("select no, token from state order by no desc limit 1").fetchone()
        has_none = self._kept.execute(_HAS_ONLY_NEW_DEFINITIONS).fetchone()[0]
        mentions = MentionChanges(self._kept, service_root)
        state = State(*last) if last and has_none and not mentions else self._new_state()
        mentions.keep(state.no)
        self._kept.execute(_CLOSE, {"no": state.no})
        self._kept.execute(_OPEN, {"no": state.no})
        return state

    def _new_state(self) -> State:
        now, token = time.time(), secrets.token_hex(8)
        added = "insert into state (token, taken) values (?, ?) returning no"
        no = self._kept.execute(added, (token, now)).fetchone()[0]
        limit = "select max(no) from state where taken < ?"
        self._kept.execute(f"delete from state where no < ({limit})", (now - _LIFETIME,))
        for table in ("entity", *kept_mentions.KEPT):
            self._kept.execute(f"delete from {table} where until <= (select min(no) from state)")
        return State(no, token)

    def _forget(self) -> None:
        for table in ("entity", "state", "bucket", "shown_otherwise", *kept_mentions.KEPT):
            self._kept.execute(f"delete from {table}")


class KeptStates:
    """The file; it is made when it is first needed. Raises `sqlite3.Error` or `OSError` if it
    cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def look(self) -> Iterator[Look]:
        """One look at a time; what it finds is kept if the block ends without an error."""
        with self._opened() as kept:
            kept.executescript(_TEMPORARY + kept_mentions.TEMPORARY)
            kept.execute("begin immediate")
            yield Look(kept)
            kept.execute("commit")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One view of all states."""
        with self._opened() as kept:
            kept.execute("begin")
            yield kept

    def note_shown(self, state: State, shown: Mapping[tuple[str, str], int]) -> None:
        """Digests of files by kind and perm id, as a list has shown them. Those that the state has
        otherwise are changed in the next one, even if they are as they were then."""
        with self._opened() as kept:
            found = [
                row
                for (kind, perm_id), files in shown.items()
                for row in kept.execute(
                    _SHOWN_OTHERWISE, (kind, perm_id, files, state.no, state.no)
                )
            ]
            if found:  # a look at the database would be waited for
                kept.executemany("insert or ignore into shown_otherwise values (?, ?)", found)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A connection of its own each time: what fails is not used again.
        with closing(
            sqlite3.connect(
                self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
        ) as kept:
            kept.execute("pragma journal_mode = wal")
            kept.execute("pragma synchronous = full")
            kept.executescript(_TABLES + kept_mentions.TABLES)
            yield kept
