"""Restores deletions from the trash, completely or in part.

What comes back belongs to its former owner and is marked in the table ``restored``: it stays
although its source does not have it, until the source has it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Index,
    MetaData,
    Table,
    and_,
    exists,
    literal,
    select,
    text,
)
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.elements import ColumnElement

from harvester.openbis.destination.restoring_parts import (
    bring_back_parts,
    forget_parts,
    keep_replaced,
    part_counts,
    refuse_parts,
    take_parts,
)
from harvester.openbis.destination.trash import PARTS, TrashItem, TrashTable
from shared.model.kinds import Kind
from shared.store import scratch
from shared.store.identity import follow, new_claims
from shared.store.statements import Rows, SqlFile, execute_from
from shared.store.tables import KEY, TEXT

# Given DATA_SET and a code, or FILE and a path: why its files cannot come back; None if they can.
# Given a `Loss` and the same: why those files cannot that something lacks which is here.
Obstacle = Callable[[str, str], str | None]

_FILE = SqlFile("harvester.openbis.destination", "restoring.sql")
_own = MetaData(schema=scratch.SCHEMA)
_chosen = Table(
    "chosen",
    _own,
    Column("kind", KEY, primary_key=True),
    Column("perm_id", KEY, primary_key=True),
    Column("identifier", KEY, nullable=False),
)
_refused = Table(
    "refused",
    _own,
    Column("kind", KEY, nullable=False),
    Column("perm_id", KEY, nullable=False),
    Column("identifier", KEY, nullable=False),
    Column("problem", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("place", TEXT),
)
_wished = Table("wished", _own, Column("perm_id", KEY, primary_key=True))
_INDEXES = (
    Index("chosen_identifier", _chosen.c.kind, _chosen.c.identifier),
    Index("refused_item", _refused.c.kind, _refused.c.perm_id),
)
_MORE = "add --with-containers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to restore of a deletion: all, or the items of a kind, or those with these perm ids.
    With ``containers``, also what they need: the places in which they lie, and files that their
    texts mention."""

    deletion: int
    kind: str | None = None
    perm_ids: tuple[str, ...] = ()
    containers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The reason why an item stays in the trash, with what to do."""

    item: TrashItem
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What came back, by kind, and what did not. ``unknown``: perm ids that the deletion does not
    have. ``left``: files that restored texts mention and that stay in the trash."""

    counts: dict[str, int]
    refusals: tuple[Refusal, ...]
    unknown: tuple[str, ...] = ()
    left: tuple[TrashItem, ...] = ()


def restore(connection: Connection, wish: Wish, obstacle: Obstacle) -> Restoration:
    """Bring back what is wanted and possible, and note its files to follow. The caller opens the
    transaction."""
    unknown = _choose(connection, wish)
    if wish.containers:
        while _choose_needed(connection, wish.deletion):
            pass
    _execute(connection, "name_as_now", deletion=wish.deletion)
    take_parts(connection, wish.deletion)
    refuse_parts(connection, wish.deletion, obstacle)
    _refuse(connection, wish.deletion, obstacle)
    refusals = tuple(_refusals(connection, wish.deletion))
    refused = {refusal.item for refusal in refusals}
    needed = _needed(connection, wish.deletion)
    left = tuple(one for one in needed if one.kind == Kind.FILE and one not in refused)
    counts = {str(kind): int(number) for kind, number in _execute(connection, "chosen_counts")}
    parts = part_counts(connection)
    if parts:
        bring_back_parts(connection, wish.deletion)
    forget_parts(connection, wish.deletion)
    if counts:
        _bring_back(connection, wish.deletion)
    if counts or parts:
        _execute(connection, "finish", deletion=wish.deletion)
    return Restoration(counts=counts | parts, refusals=refusals, unknown=unknown, left=left)


def keep_what_is_replaced(connection: Connection, wish: Wish, source: str, now: datetime) -> bool:
    """Put what `restore` would replace into the trash, before it and in its own transaction; the
    files must follow before `restore`. Returns whether there is any."""
    _choose(connection, wish)
    take_parts(connection, wish.deletion)
    return keep_replaced(connection, wish.deletion, source, now)


def forget_marks(connection: Connection, source: str) -> None:
    """Remove the marks of restored items that the source's list has again."""
    _execute(connection, "forget_marks", source=source)


def marked(connection: Connection) -> list[TrashItem]:
    """Restored items that are not on their source again, by kind and identifier."""
    return [
        TrashItem(kind=kind, perm_id=perm_id, identifier=identifier)
        for kind, perm_id, identifier in _execute(connection, "marked")
    ]


def unmark(connection: Connection, kind: str, perm_id: str) -> bool:
    """Let a restored item follow its source again; returns whether it was marked."""
    return bool(_execute(connection, "unmark", kind=kind, perm_id=perm_id).rowcount)


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)


def _choose(connection: Connection, wish: Wish) -> tuple[str, ...]:
    """Fill the table ``chosen``; returns the perm ids that are not in the deletion."""
    for table in (_chosen, _refused, _wished):
        connection.execute(text(f"DROP TABLE IF EXISTS {table.name}"))
        connection.execute(CreateTable(table))
    for index in _INDEXES:
        connection.execute(CreateIndex(index))
    _execute(connection, "choose_all", deletion=wish.deletion)
    if wish.kind is not None:
        _execute(connection, "drop_other_kinds", kind=wish.kind)
    if not wish.perm_ids:
        return ()
    connection.execute(
        _wished.insert(),
        [{"perm_id": perm_id} for perm_id in sorted(set(wish.perm_ids))],
    )
    unknown = tuple(_execute(connection, "unknown_wishes").scalars())
    _execute(connection, "drop_unwished")
    return unknown


def _choose_needed(connection: Connection, deletion: int) -> bool:
    needed = _needed(connection, deletion)
    for one in needed:
        _execute(
            connection, "choose", kind=one.kind, perm_id=one.perm_id, identifier=one.identifier
        )
    return bool(needed)


def _needed(connection: Connection, deletion: int) -> list[TrashItem]:
    return [
        TrashItem(kind=kind, perm_id=perm_id, identifier=identifier)
        for kind, perm_id, identifier in _execute(connection, "needed", deletion=deletion)
    ]


def _refuse(connection: Connection, deletion: int, obstacle: Obstacle) -> None:
    """Move to ``refused`` what cannot come back and, repeatedly, what lies in it."""
    for kind, perm_id in _execute(connection, "chosen_with_files", deletion=deletion).all():
        if reason := obstacle(kind, perm_id):
            _execute(connection, "refuse", kind=kind, perm_id=perm_id, reason=reason)
    _execute(connection, "refuse_present")
    _execute(connection, "drop_refused")
    while True:
        _execute(connection, "refuse_homeless", deletion=deletion)
        if not _execute(connection, "drop_refused").rowcount:
            return


def _refusals(connection: Connection, deletion: int) -> Iterator[Refusal]:
    reasons = _Reasons(connection, deletion)
    for row in _execute(connection, "refused").all():
        item = TrashItem(kind=row.kind, perm_id=row.perm_id, identifier=row.identifier)
        yield Refusal(item=item, reason=reasons.of(item, row.problem, row.subject, row.place))


class _Reasons:
    """Texts of refusals; facts that many of them share are looked up once."""

    def __init__(self, connection: Connection, deletion: int) -> None:
        self._connection = connection
        self._deletion = deletion
        self._known: dict[tuple[str, str], str] = {}

    def of(self, item: TrashItem, problem: str, subject: str, place: str | None) -> str:
        match problem:
            case "file":
                return subject
            case "here":
                whose = f"from section {subject}" if subject else "made here"
                return f"is here again, {whose}; there is nothing to restore"
            case "taken":
                return (
                    f"{item.identifier} is {item.kind} {subject} now; rename or move that one on "
                    "its data source, harvest, and restore then"
                )
            case "twice":
                return (
                    f"{item.kind} {subject} would be {item.identifier} too; restore one of them, "
                    "with --perm-id"
                )
        key = (problem, place or "")
        if key not in self._known:
            self._known[key] = f"lies in {problem} {subject}, which {self._remedy(*key)}"
        return self._known[key]

    def _remedy(self, kind: str, perm_id: str) -> str:
        row = _execute(self._connection, "where_deleted", kind=kind, perm_id=perm_id).first()
        if row is None:
            return (
                "is neither here nor in the trash; bring it back on the data source, harvest, and "
                "restore then"
            )
        if row.deletion == self._deletion:
            return f"was deleted with it; restore that one too: {_MORE}"
        return (
            "was deleted at another time; restore that one first: harvester trash restore "
            f"{row.deletion} --kind {kind} --perm-id '{row.perm_id}' --with-containers"
        )


def _bring_back(connection: Connection, deletion: int) -> None:
    _execute(connection, "restore", deletion=deletion)
    for part in PARTS:
        trashed = part.trashed
        names = [c.name for c in part.stored.c]
        rows = select(*(trashed.c[name] for name in names)).join_from(
            trashed, _chosen, and_(*_is_chosen(part))
        )
        rows = rows.where(trashed.c.deletion == deletion)
        connection.execute(part.stored.insert().from_select(names, rows))
    new_claims(connection)
    _execute(connection, "settle")
    follow(connection)
    for part in PARTS:
        ours = part.trashed.c.deletion == deletion
        chosen = exists().where(*_is_chosen(part)).select_from(_chosen)
        connection.execute(part.trashed.delete().where(ours, chosen))


def _is_chosen(part: TrashTable) -> Iterable[ColumnElement[bool]]:
    kind = literal(part.kind.value) if part.kind else part.trashed.c.kind
    return _chosen.c.kind == kind, _chosen.c.perm_id == part.trashed.c[part.perm_id]
