"""Compares two kept states within a scope (`kept_states`)."""

# ruff: noqa: S608 - statements are joined of texts of this module
from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from shared.model.kinds import Kind
from source_server.catalogues.openbis.kept_states import State
from source_server.catalogues.openbis.queries_changes import AFS, SHARED
from source_server.catalogues.openbis.queries_mentions import DEFINITIONS
from source_server.publication.catalogue import Scope
from source_server.publication.changes import Change, CursorError, Happened

_TEMPORARY = tuple(
    f"{when}_{what}" for when in ("was", "is") for what in ("space", "project", "shown")
)
_VALID = "(e.since <= :{no} and (e.until is null or e.until > :{no}))"
_SPACES = f"""
select e.id, e.perm_id from entity e where e.kind = 'SPACE' and {_VALID.format(no="no")}
"""
_PROJECTS = f"""
select e.id, e.name, e.space from entity e where e.kind = 'PROJECT' and {_VALID.format(no="no")}
"""
_WITHIN = f"""
case when e.kind = 'SPACE' then e.id in (select id from <when>_shown)
     else e.space = {SHARED} or e.space in (select id from <when>_space)
          or e.project in (select id from <when>_project)
          or e.lone in (select id from <when>_project) end
"""
# By a definition, or by an entity that is within the scope.
_MENTIONED = f"""
m.since <= :{{no}} and (m.until is null or m.until > :{{no}})
and (m.kind = '{DEFINITIONS}'
     or exists (select 1 from entity e where e.kind = m.kind and e.id = m.id
                   and {_VALID} and ({{within}})))
"""
# Kinds in capital letters are those of entities.
_CHANGES = f"""
with touched (kind, id, no) as (
    select kind, id, max(no) from (
        select kind, id, since as no from entity
         where since > :first and since <= :last
        union all
        select kind, id, until from entity
         where until > :first and until <= :last)
     where kind glob '[A-Z]*'
     group by kind, id
    union
    -- a space is shown for its projects as well, which may have come or gone
    select 'SPACE', id, :last from (select id from was_shown union select id from is_shown)
     where (id in (select id from was_shown)) <> (id in (select id from is_shown))),
mentioned as (
    select m.path, 1 as was, 0 as now from mention m
     where {_MENTIONED.format(no="since", within=_WITHIN.replace("<when>", "was"))}
    union all
    select m.path, 0, 1 from mention m
     where {_MENTIONED.format(no="until", within=_WITHIN.replace("<when>", "is"))}),
visible as (
    select e.kind, e.perm_id, t.no, 1 as was, 0 as now
      from touched t cross join entity e on e.kind = t.kind and e.id = t.id
     where {_VALID.format(no="since")} and {_WITHIN.replace("<when>", "was")}
    union all
    select e.kind, e.perm_id, t.no, 0, 1
      from touched t cross join entity e on e.kind = t.kind and e.id = t.id
     where {_VALID.format(no="until")} and {_WITHIN.replace("<when>", "is")}
    union all
    select 'FILE', f.path, :last, f.was, f.now
      from (select path, max(was) as was, max(now) as now from mentioned group by path) f
     where f.was <> f.now
        or exists (select 1 from file s where s.path = f.path
                      and (s.since > :first and s.since <= :last
                           or s.until > :first and s.until <= :last)))
select f.kind, f.perm_id, f.was, f.now, s.taken
  from (select kind, perm_id, max(was) as was, max(now) as now, max(no) as no
          from visible group by kind, perm_id) f
  join state s on s.no = f.no
 order by f.no, f.kind, f.perm_id
"""


def cursor_of(state: State) -> str:
    return f"{state.no}-{state.token}"


def changes_between(
    kept: sqlite3.Connection, since: str, until: State, scope: Scope
) -> Iterator[Change]:
    """Raises `CursorError` before the first change."""
    for table in _TEMPORARY:
        kept.execute(f"create temporary table {table} (id integer primary key)")
    first, last = _known(kept, since), _known(kept, cursor_of(until))
    _find_places(kept, first, scope, "was")
    _find_places(kept, last, scope, "is")
    numbers = {
        "since": first,
        "until": last,
        "first": min(first, last),
        "last": max(first, last),
    }
    for kind, perm_id, was, now, taken in kept.execute(_CHANGES, numbers):
        yield Change(
            kind=Kind.DATA_SET if kind == AFS else Kind(kind),
            perm_id=perm_id,
            happened=_happened(was=was, now=now),
            at=datetime.fromtimestamp(taken, UTC),
            is_afs=kind == AFS,
        )


def _known(kept: sqlite3.Connection, cursor: str) -> int:
    number, _, token = cursor.partition("-")
    known = None
    if number.isdecimal() and number.isascii() and len(number) < len(str(2**63)):
        query = "select token from state where no = ?"
        known = kept.execute(query, (int(number),)).fetchone()
    if known is None or known[0] != token:
        raise CursorError(
            "the history of this source server does not reach back to this cursor: it is too old,"
            " or of another instance, or openBIS's database has been restarted, restored or"
            " upgraded, or its definitions have changed since"
        )
    return int(number)


def _happened(*, was: int, now: int) -> Happened:
    if was and now:
        return Happened.UPDATED
    return Happened.CREATED if now else Happened.DELETED


def _find_places(kept: sqlite3.Connection, no: int, scope: Scope, when: str) -> None:
    """The ids of the places of a scope, as a state has them (as `scopes.window_of`)."""
    spaces = dict(kept.execute(_SPACES, {"no": no}))
    whole = {number for number, code in spaces.items() if code in scope.spaces}
    named = {
        (number, space)
        for number, code, space in kept.execute(_PROJECTS, {"no": no})
        if f"/{spaces.get(space)}/{code}" in scope.projects
    }
    found = {
        "space": whole,
        "project": {number for number, _ in named},
        "shown": whole | {space for _, space in named},
    }
    for name, ids in found.items():
        rows = ((number,) for number in ids)
        kept.executemany(f"insert into {when}_{name} values (?)", rows)
