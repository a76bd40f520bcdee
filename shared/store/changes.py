"""Compares the incoming tables with the store, and applies what differs: by set, never by entity.

`compare` writes the plan of a pass into the connection's temporary table ``plan``: one row per
entity that differs from the list. The functions below apply one part of the plan each, with a
handful of SQL statements whatever the size.
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
# Rows of the plan fetched at a time.
_BLOCK = 1_000


class Action(StrEnum):
    """Action of the plan for an entity."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"
    # Gone from the source, but something that stays lies in it.
    KEPT = "kept"
    # Gone from the source, but an operator restored it from the trash.
    RESTORED = "restored"
    # Gone from the source, but its deletion waits for an operator.
    HELD = "held"
    # Another section or a local user made it, so it is left alone.
    FOREIGN = "foreign"
    # Its identifier belongs to another entity that stays.
    TAKEN = "taken"
    # It lies in, or has to move with, something that cannot come or move.
    STRANDED = "stranded"
    # A data set that is new or changed once its files have arrived.
    WAITING = "waiting"
    # An update would lose it, and deletions are forbidden (`shared.store.losses`).
    SPARED = "spared"
    # A data set that was registered or updated after its files had arrived.
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A row of the plan."""

    kind: Kind | Loss
    perm_id: str
    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """User and time to write on new and changed rows; the list's own if both are None."""

    user_id: str | None = None
    now: int | None = None


ORIGINAL_STAMPS = Stamps()


def compare(connection: Connection, source: str) -> None:
    """Fills ``plan`` with the plan for the rows of this source. Conflicts of identifiers are
    known only after deletions: `identity.settle`."""
    resolve(connection, source)
    new_claims(connection)
    execute(connection, "new_plan")
    execute(connection, "compare", source=source)
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE plan, differing"))


def counts(connection: Connection) -> dict[tuple[Kind | Loss, Action], int]:
    """Number of entities by kind and action of the plan."""
    rows = connection.execute(text("SELECT kind, action, count(*) FROM plan GROUP BY 1, 2"))
    return {(planned_kind(kind), Action(action)): number for kind, action, number in rows}


def foreign_owners(connection: Connection) -> dict[str, int]:
    """Number of entities of the list, by owner, that another section or a local user ("") made, and
    that are therefore left alone."""
    rows = connection.execute(text(_FOREIGN_OWNERS))
    return {str(owner): int(number) for owner, number in rows}


_FOREIGN_OWNERS = """
SELECT e.source, count(*) FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
 WHERE c.action = 'foreign' GROUP BY e.source ORDER BY e.source
"""


def planned(connection: Connection, action: Action, most: int | None = None) -> Iterator[Planned]:
    """Rows of the plan with an action, by kind and identifier; at most ``most``. Read it to the end
    before changing the plan: rows are fetched in blocks."""
    (query,) = statements(CHANGES)["planned"]
    values = {"action": action.value, "most": most or _NO_LIMIT}
    with connection.execute(query, values, execution_options={"yield_per": _BLOCK}) as rows:
        for kind, perm_id, identifier in rows:
            yield Planned(kind=planned_kind(kind), perm_id=perm_id, identifier=identifier)


def register(connection: Connection, kind: Kind, source: str, stamps: Stamps) -> None:
    """Inserts the new entities of a kind, without frozen flags and times of immutable data; see
    `replace_satellites`."""
    values = {"user_id": stamps.user_id, "now": stamps.now}
    execute(connection, "register", kind=kind.value, source=source, **values)


def update(connection: Connection, kind: Kind, stamps: Stamps) -> None:
    """Updates the changed entities of a kind, except stamps and flags."""
    execute(connection, "update", kind=kind.value, user_id=stamps.user_id, now=stamps.now)


def replace_satellites(connection: Connection, kind: Kind) -> None:
    """Replaces links, files and content copies of new and changed entities."""
    if FACTS[kind].relations:
        execute(connection, "replace_links", kind=kind.value)
    if kind is Kind.DATA_SET:
        execute(connection, "replace_files")


def apply_kind(connection: Connection, kind: Kind, source: str, stamps: Stamps) -> None:
    """Registers and updates all entities of a kind in the plan. The plan for data sets is older
    than this transaction: data sets that another section has brought since then are left alone."""
    if kind is Kind.DATA_SET:
        execute(connection, "yield_data_sets", source=source)
    register(connection, kind, source, stamps)
    if kind is Kind.DATA_SET:
        execute(connection, "drop_files")  # of data sets that are not physical any more
    update(connection, kind, stamps)
    replace_satellites(connection, kind)
    if kind is Kind.SAMPLE:  # the last of what others lie in
        follow(connection)


def hold_back_data_sets(connection: Connection) -> None:
    """Makes data sets wait whose files are not all here as the list announces them."""
    execute(connection, "hold_back_data_sets")


def await_data_sets(connection: Connection, source: str, codes: Collection[str]) -> None:
    """Makes these data sets wait for files, even if nothing else of them has changed; those of
    other sections are left alone."""
    (await_one,) = statements(CHANGES)["await_data_set"]
    if codes:
        connection.execute(await_one, [{"code": c, "source": source} for c in sorted(codes)])


def waiting_data_sets(connection: Connection) -> list[str]:
    """Codes of the data sets that wait for files, sorted."""
    return [row.perm_id for row in planned(connection, Action.WAITING)]


def admit_data_sets(connection: Connection, codes: Sequence[str]) -> None:
    """The files of these data sets have arrived: marks the data sets as new or changed again."""
    (admit,) = statements(CHANGES)["admit_data_set"]
    if codes:
        connection.execute(admit, [{"code": code} for code in codes])


def settle_data_sets(connection: Connection) -> None:
    """Marks new and changed data sets as done."""
    execute(connection, "settle_data_sets")


def plan_files(connection: Connection, source: str) -> None:
    """Adds the files of the file service that are gone to the plan, with the kind `Kind.FILE`."""
    execute(connection, "plan_files", source=source)


def delete(connection: Connection) -> None:
    """Deletes for good what the plan says, and notes its files for removal."""
    execute(connection, "remove_files")
    execute(connection, "delete")


def users(connection: Connection) -> list[str]:
    """All registrators and modifiers in the list, sorted."""
    return sorted(execute(connection, "users").scalars())


def copy_stamps(connection: Connection, source: str) -> list[Planned]:
    """Copies timestamps and users from the list; returns the entities that changed."""
    return _differing(connection, "stamps_differ", "copy_stamps", source)


def copy_flags(connection: Connection, source: str) -> list[Planned]:
    """Copies frozen flags from the list; returns the entities that changed."""
    return _differing(connection, "flags_differ", "copy_flags", source)


def copy_immutable_times(connection: Connection, source: str) -> list[Planned]:
    """Copies from the list since when the AFS data of samples and experiments can no longer change,
    where that is not known here and the AFS data do not wait; returns the entities that changed."""
    return _differing(connection, "immutable_times_differ", "copy_immutable_times", source)


def _differing(connection: Connection, query: str, change: str, source: str) -> list[Planned]:
    rows = execute(connection, query, source=source)
    found = [Planned(kind=Kind(k), perm_id=p, identifier=i) for k, p, i in rows]
    if found:
        execute(connection, change, source=source)
    return found


def drop_from_plan(connection: Connection, kind: Kind | Loss, perm_ids: Collection[str]) -> None:
    """Removes entities from the plan, so that they stay as they are."""
    if perm_ids:
        connection.execute(
            text("DELETE FROM plan WHERE kind = :kind AND perm_id = :perm_id"),
            [{"kind": kind.value, "perm_id": perm_id} for perm_id in sorted(perm_ids)],
        )
