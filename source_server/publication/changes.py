"""What a catalogue says of changes, for change lists (ResourceSync 1.1, sections 12 and 13).

The law: who has the list that a snapshot showed, and applies the changes since its cursor, has the
list that the later snapshot shows, within the same scope. More changes than there were may be
named, fewer never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.model.kinds import Kind
from source_server.publication.catalogue import Scope


class Happened(StrEnum):
    """The values of ``change`` in ``rs:md``."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class CursorError(Exception):
    """The changes since a cursor are not known, so the whole list has to be read. The text says
    why: the cursor is of another instance or another scope, the history does not reach back so far,
    or the database is an earlier state of itself (a restored backup)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The last of the changes of one entity since a cursor.

    ``perm_id`` is that of the entity's entry in lists; for a file of the file service its path.
    ``is_afs``: the entry is one of AFS data, whose perm id is its owner's. ``DELETED`` also means
    that the entity has left the scope; what never was within the scope is not named. ``at`` is the
    time of the change if that is known, else of its discovery, UTC.
    """

    kind: Kind
    perm_id: str
    happened: Happened
    at: datetime
    is_afs: bool = False


class ChangingSnapshot(Protocol):
    """The part of a snapshot that tells changes."""

    def cursor(self) -> str | None:
        """The state of the instance that this snapshot shows; opaque. None if the catalogue cannot
        tell changes (now)."""
        ...

    def changes(self, since: str, scope: Scope) -> Iterator[Change]:
        """The changes between the state with this cursor and that of this snapshot, in the order of
        their times, each entity once. Master data are not among them: whether they are the same is
        seen by comparing. Raises `CursorError` before the first change."""
        ...
