"""What a section's list said is kept from one run to the next, in a file beside an SQLite database.

So an entry that has not changed by a byte need not be read again: its rows are there. The file
holds nothing that the next list does not say; it may be removed at any time. A second file marks it
as whole. The mark is taken away while the file is in use, so what a killed program leaves behind is
never trusted.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from glob import escape
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from shared.atomic_file import copy_owner_and_mode, sync_folder, write_atomically
from shared.store import scratch

# Seconds after which the file of a section that is not harvested any more is removed.
_FORGOTTEN = 90 * 24 * 3600
_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The mark of a file. ``context``: all that the meaning of its rows depends on, besides the
    bytes of the list. ``read_in_full``: when the list was last read entry by entry."""

    context: str
    master_data: str
    read_in_full: str
    generation: int
    entities: int
    bytes: int


@dataclass(slots=True)
class KeptList:
    """The file of one section, in use by a connection."""

    connection: Connection
    path: Path
    context: str
    now: datetime
    # What the last run has left, as far as it can be used.
    before: Whole | None
    # What this run leaves.
    after: Whole | None = None

    def begin_anew(self) -> None:
        """Forget what the last run has left. No transaction may be open."""
        self.before = self.after = None
        scratch.release(self.connection)
        self.path.unlink(missing_ok=True)
        self.use()

    def use(self) -> None:
        """Who may not read the database may not read what its lists said."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            copy_owner_and_mode(Path(self.connection.engine.url.database or ""), descriptor)
        finally:
            os.close(descriptor)
        scratch.use(self.connection, self.path)

    def is_read(self, *, master_data: str, generation: int, total_bytes: int) -> None:
        """The incoming tables hold all of the list."""
        full = self.before.read_in_full if self.before else self.now.isoformat()
        with self.connection.begin():
            entities = _entities(self.connection)
        self.after = Whole(
            context=self.context,
            master_data=master_data,
            read_in_full=full,
            generation=generation,
            entities=entities,
            bytes=total_bytes,
        )


@contextmanager
def kept_list(
    connection: Connection, section: str, context: str, now: datetime
) -> Iterator[KeptList | None]:
    """The list that a section has kept, for use within the block; None if the database is not one
    in a file. What has another ``context`` is not used."""
    path = _path(connection, section)
    if path is None:
        yield None
        return
    _remove_forgotten(path.parent, connection)
    before = _taken(path)
    if before is None or before.context != context:
        path.unlink(missing_ok=True)
        before = None
    kept = KeptList(connection, path, context, now, before)
    if not _opens(kept):
        kept.begin_anew()
    try:
        yield kept
    finally:
        _leave(kept)


def drop_kept_list(connection: Connection, section: str) -> None:
    """Removes what a section has kept."""
    if path := _path(connection, section):
        _mark_of(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _leave(kept: KeptList) -> None:
    try:
        scratch.release(kept.connection)
    except sqlite3.OperationalError:  # something reads from the file still, as after an error
        kept.connection.invalidate()
        kept.after = None
    if kept.after is None:
        kept.path.unlink(missing_ok=True)
        return
    try:
        size = _synced(kept.path)
        write_atomically(_mark_of(kept.path), json.dumps({**asdict(kept.after), "size": size}))
    except OSError:  # it is not needed, and all that the run has done stands
        kept.path.unlink(missing_ok=True)


def _synced(path: Path) -> int:
    """The size of the file, whose content is on the disk when this returns."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path.stat().st_size


def _taken(path: Path) -> Whole | None:
    """The mark, which is taken away; None if there is none, or it is not one of this file."""
    mark = _mark_of(path)
    try:
        values = json.loads(mark.read_bytes())
        mark.unlink()
        sync_folder(mark.parent)  # after a crash of the machine, it must not mark another content
        if values.pop("size") != path.stat().st_size:
            return None
        return Whole(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        mark.unlink(missing_ok=True)
        return None


def _opens(kept: KeptList) -> bool:
    """Whether the file can be used, and has what its mark says. It is not needed, so it does not
    matter what is wrong with it."""
    try:
        kept.use()
        if kept.before is None:
            return True
        with kept.connection.begin():
            generations = kept.connection.execute(text(_GENERATIONS)).scalars().all()
            return (
                generations == [kept.before.generation]
                and _entities(kept.connection) == kept.before.entities
            )
    except (SQLAlchemyError, sqlite3.DatabaseError, OSError):
        return False


_GENERATIONS = "SELECT DISTINCT generation FROM incoming_order"


def _entities(connection: Connection) -> int:
    query = text("SELECT count(*) FROM incoming_entity")
    return int(connection.execute(query).scalar_one())


def _path(connection: Connection, section: str) -> Path | None:
    url = connection.engine.url
    if connection.dialect.name != "sqlite" or not url.database:
        return None
    digest = blake2b(section.encode(), digest_size=4).hexdigest()
    database = Path(url.database).resolve()
    return database.with_name(f"{database.name}.list-{quote(section, safe='')[:_NAME]}-{digest}")


def _mark_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.whole")


def _remove_forgotten(folder: Path, connection: Connection) -> None:
    """Those of sections that are not harvested any more."""
    name = Path(connection.engine.url.database or "").resolve().name
    for other in folder.glob(f"{escape(name)}.list-*"):
        with suppress(OSError):
            if time.time() - other.stat().st_mtime > _FORGOTTEN:
                other.unlink()
