"""Holds deletions of a pass back until the operator releases them, or until the source has the
items again (`harvester.memory.held`).

A pass plans what is gone (`shared.store.changes`). Here the plan's deletions are divided: those
that have waited since an earlier run, those that were released and may be done, and new ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from harvester.openbis.destination.losses import hold_contents
from shared.store.changes import Action, counts
from shared.store.statements import SqlFile, execute_from

_FILE = SqlFile("harvester.openbis.destination", "held_deletions.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class VanishedSpace:
    """A space that is gone with all its content."""

    code: str
    inside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VanishedProject:
    """A project that is gone with all its content."""

    identifier: str
    inside: int


def forget_returned(connection: Connection, source: str) -> None:
    """Forget held-back and released deletions of items that the source has again."""
    execute_from(connection, _FILE, "forget_returned", source=source)


def hold_outgrown(connection: Connection, source: str, run: int) -> int:
    """Hold losses of contents back again that have grown since they were released: the operator has
    released only what was visible then. Returns their number."""
    number = int(execute_from(connection, _FILE, "outgrown_count", source=source).scalar_one())
    if number:
        execute_from(connection, _FILE, "hold_outgrown", source=source, run=run)
    return number


def new_count(connection: Connection, source: str) -> int:
    """The number of the plan's deletions that were neither held back nor released before."""
    return int(execute_from(connection, _FILE, "new_count", source=source).scalar_one())


def brought_count(connection: Connection, source: str) -> int:
    """The number of entities and files of this source that are here, without those known to be
    gone: what its previous list showed."""
    return int(execute_from(connection, _FILE, "brought_count", source=source).scalar_one())


def vanished_spaces(connection: Connection, source: str) -> list[VanishedSpace]:
    """Spaces with content that the plan's new deletions would remove completely."""
    rows = execute_from(connection, _FILE, "vanished_spaces", source=source)
    return [VanishedSpace(code=code, inside=inside) for code, inside in rows]


def vanished_projects(connection: Connection, source: str) -> list[VanishedProject]:
    """The same for projects, without those whose space is removed, too."""
    rows = execute_from(connection, _FILE, "vanished_projects", source=source)
    return [VanishedProject(identifier=identifier, inside=inside) for identifier, inside in rows]


def vanished_kinds(connection: Connection, source: str) -> dict[str, int]:
    """Kinds of which the source showed several items and shows none now, with their former
    numbers."""
    rows = execute_from(connection, _FILE, "vanished_kinds", source=source)
    return {str(kind): int(number) for kind, number in rows}


def vanished_shared_samples(connection: Connection, source: str) -> int:
    """The number of samples without a space that are newly gone."""
    rows = execute_from(connection, _FILE, "vanished_shared_samples", source=source)
    return int(rows.scalar_one())


def hold(connection: Connection, source: str, run: int, *, new: bool) -> int:
    """Take the deletions that wait for the operator out of the plan: earlier ones, losses of data
    sets, the ``new`` ones if wanted, and deletions of the places that contain these. Returns their
    number."""
    execute_from(connection, _FILE, "hold_waiting", source=source)
    hold_contents(connection, source)
    if new:
        execute_from(connection, _FILE, "hold_new", source=source)
    number = _planned_to_wait(connection)
    if number:
        execute_from(connection, _FILE, "hold_containers")
        execute_from(connection, _FILE, "remember_held", source=source, run=run)
        number = _planned_to_wait(connection)
    return number


def _planned_to_wait(connection: Connection) -> int:
    return sum(
        number for (_, action), number in counts(connection).items() if action == Action.HELD
    )


def forget_done(connection: Connection, source: str) -> None:
    """Forget held-back deletions that the plan now does."""
    execute_from(connection, _FILE, "forget_done", source=source)
