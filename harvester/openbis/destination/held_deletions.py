"""Which deletions of a pass are held back: they wait until the operator releases them, or until the
source has again what they would delete (`harvester.memory.held`).

A pass plans what is gone (`shared.store.changes`); here the plan's deletions are told apart: those
that wait since an earlier run, those that were released and may be done, and those that are new.
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
    """A space that is gone with all that was in it."""

    code: str
    inside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VanishedProject:
    """A project that is gone with all that was in it."""

    identifier: str
    inside: int


def forget_returned(connection: Connection, source: str) -> None:
    """What the source has again waits no longer, and if it was released, it is so no longer."""
    execute_from(connection, _FILE, "forget_returned", source=source)


def hold_outgrown(connection: Connection, source: str, run: int) -> int:
    """Losses of contents that were held back, and of which more would be lost now, wait anew: what
    was released is what was there to be seen. How many."""
    number = int(execute_from(connection, _FILE, "outgrown_count", source=source).scalar_one())
    if number:
        execute_from(connection, _FILE, "hold_outgrown", source=source, run=run)
    return number


def new_count(connection: Connection, source: str) -> int:
    """How many of the plan's deletions were neither held back nor released before."""
    return int(execute_from(connection, _FILE, "new_count", source=source).scalar_one())


def brought_count(connection: Connection, source: str) -> int:
    """How many entities and files of this source are here, without those that are known to be gone
    from it: what its previous list showed."""
    return int(execute_from(connection, _FILE, "brought_count", source=source).scalar_one())


def vanished_spaces(connection: Connection, source: str) -> list[VanishedSpace]:
    """Spaces of the plan's new deletions that would go with something in them, all of it."""
    rows = execute_from(connection, _FILE, "vanished_spaces", source=source)
    return [VanishedSpace(code=code, inside=inside) for code, inside in rows]


def vanished_projects(connection: Connection, source: str) -> list[VanishedProject]:
    """The same as `vanished_spaces`, without those whose space is gone with them."""
    rows = execute_from(connection, _FILE, "vanished_projects", source=source)
    return [VanishedProject(identifier=identifier, inside=inside) for identifier, inside in rows]


def vanished_kinds(connection: Connection, source: str) -> dict[str, int]:
    """Kinds of which the source showed several, and shows none now: how many it showed."""
    rows = execute_from(connection, _FILE, "vanished_kinds", source=source)
    return {str(kind): int(number) for kind, number in rows}


def hold(connection: Connection, source: str, run: int, *, new: bool) -> int:
    """Take those deletions out of the plan that wait for the operator: the earlier ones, what data
    sets would lose, the ``new`` ones too if wanted, and those of the places in which these lie.
    Returns how many."""
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
    """What the plan deletes waits no longer."""
    execute_from(connection, _FILE, "forget_done", source=source)
