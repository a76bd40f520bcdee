"""Contents that decay: updates take parts of what was harvested away, a few with each run.

Such an item is still in the list, so no count of items falls. Losses without the operator's
confirmation are remembered part by part; a part counts once, however often it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from shared.store.rows import milliseconds
from shared.store.statements import SqlFile, execute_from

_FILE = SqlFile("harvester.openbis.destination", "decay.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """``lost`` of the ``brought`` contents of a kind are gone or different, or would be now."""

    what: str
    lost: int
    brought: int


def decay_since(connection: Connection, source: str, since: datetime) -> list[Decay]:
    """The unconfirmed losses since a time, with those that wait and those that are new. Files of
    data sets are not among them: their losses are held back, and edits of AFS data are
    ordinary."""
    values = {"source": source, "since": milliseconds(since)}
    found = []
    for section, what in (
        ("decayed_attachments", "attachments"),
        ("decayed_service_files", "files of the file service"),
    ):
        lost, brought = execute_from(connection, _FILE, section, **values).one()
        found.append(Decay(what=what, lost=int(lost), brought=int(brought)))
    return found


def note_decay(connection: Connection, source: str, now: datetime) -> None:
    """Note the losses that the plan allows and that were not released."""
    execute_from(connection, _FILE, "note_decay", source=source, now=milliseconds(now))


def forget_decay(connection: Connection, source: str, before: datetime) -> None:
    execute_from(connection, _FILE, "forget_decay", source=source, before=milliseconds(before))
