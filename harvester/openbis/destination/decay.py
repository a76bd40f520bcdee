"""Contents that decay: parts of what was harvested that updates took away, a few with each run.

Such an item is still listed, so its loss makes nothing fewer that is counted by items. What was let
through without the operator's word is remembered part by part: the same one counts once, however
often it changes.
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
    """``lost`` of the ``brought`` contents of a kind are gone, or others, or would be now."""

    what: str
    lost: int
    brought: int


def decay_since(connection: Connection, source: str, since: datetime) -> list[Decay]:
    """What was lost since then without being confirmed, with what waits and what is newly gone.
    Files of data sets are not among them: these are always held back."""
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
    """Remember what the plan lets go in part, and was not released."""
    execute_from(connection, _FILE, "note_decay", source=source, now=milliseconds(now))


def forget_decay(connection: Connection, source: str, before: datetime) -> None:
    execute_from(connection, _FILE, "forget_decay", source=source, before=milliseconds(before))
