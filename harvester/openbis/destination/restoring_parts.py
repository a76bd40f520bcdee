"""Restores what an update took from an item that is still here: files of a data set, versions of
attachments, the former content of a file of the file service.

What this would replace goes to the trash first (`keep_replaced`), so nothing is lost and it can be
restored in the same way. The restored parts stay as if their loss were held back: until their
source shows them again, or the operator releases the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, and_, column, exists, literal, table

from harvester.openbis.destination.trash import PARTS, keep_snapshot
from shared.store.statements import Rows, SqlFile, execute_from

_FILE = SqlFile("harvester.openbis.destination", "restoring_parts.sql")
_NO_HASH = b"restored"
_chosen_part = table("chosen_part", column("kind"), column("perm_id"))


def take_parts(connection: Connection, deletion: int) -> None:
    """Separate from the chosen items those that are parts of something that is here."""
    _execute(connection, "take_parts", deletion=deletion)


def keep_replaced(connection: Connection, deletion: int, source: str, now: datetime) -> bool:
    """Put a copy of what the chosen parts would replace into the trash, and note its files. They
    must follow before the parts come back. Returns whether there is any."""
    _execute(connection, "replaced", deletion=deletion)
    if not _execute(connection, "snapshot_count").scalar_one():
        return False
    keep_snapshot(connection, source, None, now)
    return True


def refuse_parts(
    connection: Connection, deletion: int, obstacle: Callable[[str, str], str | None]
) -> None:
    """Move to ``refused`` what cannot come back."""
    for part, perm_id in _execute(connection, "part_files", deletion=deletion).all():
        if reason := obstacle(part, perm_id):
            _execute(connection, "refuse_part", part=part, perm_id=perm_id, reason=reason)
    _execute(connection, "refuse_conflicting", deletion=deletion)
    _execute(connection, "drop_refused_parts")


def part_counts(connection: Connection) -> dict[str, int]:
    """The numbers of parts that come back, by kind of loss."""
    return {str(part): int(number) for part, number in _execute(connection, "part_counts")}


def bring_back_parts(connection: Connection, deletion: int) -> None:
    """Bring the rows back, and note the files to follow."""
    _execute(connection, "restore_parts", deletion=deletion, no_hash=_NO_HASH)
    for part in PARTS:
        trashed = part.trashed
        kind = literal(part.kind.value) if part.kind else trashed.c.kind
        same = and_(_chosen_part.c.kind == kind, _chosen_part.c.perm_id == trashed.c[part.perm_id])
        chosen = exists().where(same).select_from(_chosen_part)
        connection.execute(trashed.delete().where(trashed.c.deletion == deletion, chosen))


def forget_parts(connection: Connection, deletion: int) -> None:
    """The chosen parts are not in the trash any more."""
    _execute(connection, "forget_parts", deletion=deletion)


def _execute(connection: Connection, section: str, /, **values: object) -> Rows:
    return execute_from(connection, _FILE, section, **values)
