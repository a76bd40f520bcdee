"""Compares the incoming tables with the store, and applies what differs: by set, never by entity.

`compare` leaves the plan of a pass in the connection's own table ``change``: one row per entity
that is not as the list says. The functions below apply one part of the plan each, with a handful of
SQL statements whatever the size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

from shared.model.kinds import FACTS, Kind
from shared.store.identity import follow, new_claims, resolve
from shared.store.loss_kinds import Loss, planned_kind
from shared.store.statements import CHANGES, execute, statements

_NO_LIMIT = 2**62
_BLOCK = 1_000
"""Rows of the plan that are held at a time."""


class Action(StrEnum):
    """What the plan says of an entity."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"
    KEPT = "kept"
    """Gone from the source, but something that stays lies in it."""
    RESTORED = "restored"
    """Gone from the source, but the operator took it out of the trash."""
    HELD = "held"
    """Gone from the source, but its deletion waits for the operator."""
    FOREIGN = "foreign"
    """Is here already, from another section or made here, and is left alone."""
    TAKEN = "taken"
    """Its identifier belongs to another entity that stays."""
    STRANDED = "stranded"
    """It lies in, or has to move with, something that cannot come or move."""
    WAITING = "waiting"
    """A data set whose files have to arrive before it is new or changed."""
    SPARED = "spared"
    """An update would lose it, and deletions are forbidden."""
    DONE = "done"
    """A data set that was registered or updated after its files had arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A row of the plan."""

    kind: Kind | Loss
    perm_id: str
    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Who and when to write on new and changed rows; both None takes what the list says."""

    user_id: str | None = None
    now: int | None = None


ORIGINAL_STAMPS = Stamps()


def compare(connection: Connection, source: str) -> None:
    """Fill ``change`` with the plan of what to do to the rows of this source. What cannot be done
    because an identifier is taken is known only after deletions: `identity.settle`."""
    resolve(connection, source)
    new_claims(connection)
    execute(connection, "new_plan")
    execute(connection, "compare", source=source)
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE change, apart"))


def counts(connection: Connection) -> dict[tuple[Kind | Loss, Action], int]:
    """How many entities of each kind the plan has for each action."""
    rows = connection.execute(text("SELECT kind, action, count(*) FROM change GROUP BY 1, 2"))
    return {(planned_kind(kind), Action(action)): number for kind, action, number in rows}


def foreign_owners(connection: Connection) -> dict[str, int]:
    """How many entities of the list another section brought, or were made here (""), and are left
    alone therefore."""
    rows = connection.execute(text(_FOREIGN_OWNERS))
    return {str(owner): int(number) for owner, number in rows}


_FOREIGN_OWNERS = """
SELECT e.source, count(*) FROM change AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
 WHERE c.action = 'foreign' GROUP BY e.source ORDER BY e.source
"""


def planned(connection: Connection, action: Action, most: int | None = None) -> Iterator[Planned]:
    """What the plan has for an action, by kind and identifier; not more than ``most``. To be read
    to the end before the plan is changed: not all of it is held at a time."""
    (query,) = statements(CHANGES)["planned"]
    values = {"action": action.value, "most": most or _NO_LIMIT}
    with connection.execute(query, values, execution_options={"yield_per": _BLOCK}) as rows:
        for kind, perm_id, identifier in rows:
            yield Planned(kind=planned_kind(kind), perm_id=perm_id, identifier=identifier)


def register(connection: Connection, kind: Kind, source: str, stamps: Stamps) -> None:
    """Insert the new entities of a kind, not frozen yet; see `replace_satellites`."""
    values = {"user_id": stamps.user_id, "now": stamps.now}
    execute(connection, "register", kind=kind.value, source=source, **values)


def update(connection: Connection, kind: Kind, stamps: Stamps) -> None:
    """Bring the changed entities of a kind to what the list says, except stamps and flags."""
    execute(connection, "update", kind=kind.value, user_id=stamps.user_id, now=stamps.now)


def replace_satellites(connection: Connection, kind: Kind) -> None:
    """Bring links, files and content copies of new and changed entities to what the list says."""
    if FACTS[kind].relations:
        execute(connection, "replace_links", kind=kind.value)
    if kind is Kind.DATA_SET:
        execute(connection, "replace_files")


def apply_kind(connection: Connection, kind: Kind, source: str, stamps: Stamps) -> None:
    """Register and update all that the plan has of a kind. The plan for data sets is older than
    this transaction: what another section brought meanwhile is left to that."""
    if kind is Kind.DATA_SET:
        execute(connection, "yield_data_sets", source=source)
    register(connection, kind, source, stamps)
    if kind is Kind.DATA_SET:
        execute(connection, "drop_files")  # of what is physical no longer
    update(connection, kind, stamps)
    replace_satellites(connection, kind)
    if kind is Kind.SAMPLE:  # the last of what others lie in
        follow(connection)


def hold_back_data_sets(connection: Connection) -> None:
    """Let those data sets wait that have files which are not here in the same form yet."""
    execute(connection, "hold_back_data_sets")


def await_data_sets(connection: Connection, source: str, codes: Collection[str]) -> None:
    """Let these data sets wait for files, though nothing else of them may have changed; those of
    other sections are left alone."""
    (await_one,) = statements(CHANGES)["await_data_set"]
    if codes:
        connection.execute(await_one, [{"code": c, "source": source} for c in sorted(codes)])


def waiting_data_sets(connection: Connection) -> list[str]:
    """Codes of the data sets that wait for files, sorted."""
    return [row.perm_id for row in planned(connection, Action.WAITING)]


def admit_data_sets(connection: Connection, codes: Sequence[str]) -> None:
    """The files of these data sets have arrived: they are new or changed again."""
    (admit,) = statements(CHANGES)["admit_data_set"]
    if codes:
        connection.execute(admit, [{"code": code} for code in codes])


def settle_data_sets(connection: Connection) -> None:
    """What was new or changed among the data sets is registered and updated by now."""
    execute(connection, "settle_data_sets")


def plan_files(connection: Connection, source: str) -> None:
    """Add the files of the file service that are gone to the plan, as of kind `Kind.FILE`."""
    execute(connection, "plan_files", source=source)


def delete(connection: Connection) -> None:
    """Delete what the plan calls gone for good, and note its files for removal."""
    execute(connection, "remove_files")
    execute(connection, "delete")


def users(connection: Connection) -> list[str]:
    """All users that the list names as registrators or modifiers, sorted."""
    return sorted(execute(connection, "users").scalars())


def copy_stamps(connection: Connection, source: str) -> list[Planned]:
    """Take timestamps and users from the list; returns the entities that were changed by it."""
    return _differing(connection, "stamps_differ", "copy_stamps", source)


def copy_flags(connection: Connection, source: str) -> list[Planned]:
    """Take frozen flags from the list; returns the entities that were changed by it."""
    return _differing(connection, "flags_differ", "copy_flags", source)


def _differing(connection: Connection, query: str, change: str, source: str) -> list[Planned]:
    rows = execute(connection, query, source=source)
    found = [Planned(kind=Kind(k), perm_id=p, identifier=i) for k, p, i in rows]
    if found:
        execute(connection, change, source=source)
    return found


def drop_from_plan(connection: Connection, kind: Kind | Loss, perm_ids: Collection[str]) -> None:
    """Leave some entities alone, whatever the list says of them."""
    if perm_ids:
        connection.execute(
            text("DELETE FROM change WHERE kind = :kind AND perm_id = :perm_id"),
            [{"kind": kind.value, "perm_id": perm_id} for perm_id in sorted(perm_ids)],
        )
