"""Work on files that follows a change of their rows.

It is noted in the same transaction as the rows: ``file_removal`` has the files that nothing names
any more; ``file_move`` has the files that go to the trash, come back from it, or belong to a folder
that only one section knows. It is done after that transaction. The next run does what a killed one
left undone; doing it twice does no harm.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, select

from harvester.openbis.destination.arrivals import DATA_SET, Abandoned, unwritten_data_sets
from harvester.openbis.destination.moving import duplicate, merge, move, remove, remove_empty
from shared.atomic_file import name_aside
from shared.checkpoints import checkpoint
from shared.errors import SyncError
from shared.store.files import DataStore
from shared.store.operation_tables import deletion as deletion_table
from shared.store.operation_tables import file_move
from shared.store.statements import SqlFile, execute, execute_from

logger = logging.getLogger(__name__)

_FILE = SqlFile("harvester.openbis.destination", "trash.sql")

# A folder of the trash that the database does not know. Only empty ones are removed: files that lie
# there may be the last of their kind, as after the database was restored from a backup.
EMPTY_TRASH = "EMPTY_TRASH"


class Goal(StrEnum):
    """The place to which a file has to go."""

    TRASH = "TRASH"
    # In the data store, or in the folder of the file service.
    HOME = "HOME"
    # In the data store, beside the files of the same data set that are there.
    MERGED = "MERGED"
    GONE = "GONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMove:
    """A data set (``area`` DATA_SET, ``name`` is its code) or a file of the file service (FILE, its
    path) that has to be moved. ``needed``: something of that name is in its regular place and must
    stay there."""

    area: str
    name: str
    goal: Goal
    deletion: int | None
    needed: bool


class FileEffects(Protocol):
    """Performs the work on files; a rehearsal performs nothing."""

    def remove(self, area: str, name: str) -> None:
        """``area`` and ``name`` as in the table file_removal."""
        ...

    def move(self, wanted: FileMove) -> None: ...

    def deletions(self) -> list[int]:
        """The numbers of the deletions whose files may lie in the trash."""
        ...


class StoreFiles:
    """Performs the work in a data store. A failure is a `SyncError`."""

    def __init__(self, store: DataStore, writer: str = "") -> None:
        self._store = store
        self._writer = writer

    def remove(self, area: str, name: str) -> None:
        checkpoint("files are about to be removed", f"{area} {name}")
        try:
            self._remove(area, name)
        except (OSError, ValueError) as error:
            raise SyncError(_cannot(area, name, "removed", error)) from error
        checkpoint("files are removed, and that is not noted", f"{area} {name}")

    def _remove(self, area: str, name: str) -> None:
        match area:
            case "DATA_SET":
                self._store.remove_data_set(name)
            case "ATTACHMENT":
                _unlink(self._store.attachment(name))
            case "FILE":
                with suppress(ValueError):  # then nothing lies in the folder under such a name
                    _unlink(self._store.service_entry(name))
            case "TRASH":
                remove(self._store.trash(int(name)))
            case _ if area == EMPTY_TRASH:
                self._remove_empty(self._store.trash(int(name)))

    def _remove_empty(self, folder: Path) -> None:
        remove_empty(folder)
        if folder.exists():
            logger.warning(
                "%s: the database does not know this folder of the trash, and files are in it; "
                "remove it by hand if nothing in it is wanted any more",
                folder,
            )

    def abandon(self, one: Abandoned, set_aside: Callable[[Path, str, str], None]) -> None:
        """Remove what is half written, and set aside what lies in the place: the note may be older
        than that, for instance after the database was restored, and it may be the last copy."""
        try:
            home = self._home(one)
            if one.area != DATA_SET:
                name_aside(home, self._writer).unlink(missing_ok=True)
            is_there = os.path.lexists(home) if one.area == DATA_SET else home.is_file()
            if is_there and not one.needed:
                set_aside(home, one.area, one.name)
        except ValueError:
            return  # nothing can lie under such a name
        except OSError as error:
            raise SyncError(_cannot(one.area, one.name, "set aside", error)) from error

    def _home(self, one: Abandoned) -> Path:
        match one.area:
            case "DATA_SET":
                return self._store.data_set_folder(one.name)
            case "ATTACHMENT":
                return self._store.attachment(one.name)
        return self._store.service_file(one.name)

    def move(self, wanted: FileMove) -> None:
        about = f"{wanted.goal} {wanted.area} {wanted.name}"
        checkpoint("files are about to be moved", about)
        try:
            self._move(wanted)
        except (OSError, ValueError) as error:
            what = f"moved ({wanted.goal})"
            raise SyncError(_cannot(wanted.area, wanted.name, what, error)) from error
        checkpoint("files are moved, and that is not noted", about)

    def _move(self, wanted: FileMove) -> None:
        store, name = self._store, wanted.name
        data_set = wanted.area == "DATA_SET"
        home = store.data_set_folder(name) if data_set else store.service_entry(name)
        if wanted.deletion is None:
            if not wanted.needed:
                remove(home)
            return
        trash = (store.trashed_data_set if data_set else store.trashed_service_file)(
            wanted.deletion, name
        )
        if wanted.goal is Goal.HOME:
            move(trash, home)
        elif wanted.goal is Goal.MERGED:
            merge(trash, home)
        else:
            (duplicate if wanted.needed else move)(home, trash)

    def deletions(self) -> list[int]:
        return self._store.trashed_deletions()


def _unlink(path: Path) -> None:
    """Remove a file or a link. A folder of that name was not brought, so it stays."""
    if path.is_symlink() or not path.is_dir():
        with suppress(NotADirectoryError):
            path.unlink(missing_ok=True)


def _cannot(area: str, name: str, done: str, error: Exception) -> str:
    return (
        f"the files of {area} {name} cannot be {done}: {error}; see to it that the data store can "
        "be written to; the next run goes on from here"
    )


def end_replacements(connection: Connection, store: DataStore, source: str) -> None:
    """Undo what a killed process of this section was replacing in the data store and did not write
    into the database. This comes before anything is checked, deleted or brought. The caller holds
    the section's lock."""
    try:
        store.end_replacements(unwritten_data_sets(connection, source))
    except OSError as error:
        raise SyncError(
            f"the files of a data set, which an interrupted run has left in {store.temporary}, "
            f"cannot be put back: {error}"
        ) from error


def _nobody() -> None:
    pass


def finish_files(
    connection: Connection,
    source: str,
    effects: FileEffects,
    moved: Callable[[], None] = _nobody,
) -> None:
    """Do the noted work of a source, and remove files that nothing names any more. ``moved`` is
    called after each item. The caller opens the transaction and holds the section's lock."""
    for row in execute_from(connection, _FILE, "moves", source=source).all():
        wanted = FileMove(
            area=row.area,
            name=row.name,
            goal=Goal(row.goal),
            deletion=row.deletion,
            needed=bool(row.needed),
        )
        effects.move(wanted)
        _forget_move(connection, source, wanted)
        moved()
    known_folders = effects.deletions()  # before their rows are read: these come first
    for area, name, needed in execute(connection, "removals", source=source).all():
        # Since the removal was noted, another row may have come to name the file, or another
        # section may have begun to bring it.
        if not needed:
            effects.remove(area, name)
        execute(connection, "removed", area=area, name=name)
        moved()
    for deletion in _unknown(connection, known_folders):
        effects.remove(EMPTY_TRASH, str(deletion))


def _forget_move(connection: Connection, source: str, done: FileMove) -> None:
    connection.execute(
        file_move.delete().where(
            file_move.c.source == source,
            file_move.c.area == done.area,
            file_move.c.name == done.name,
        )
    )


def _unknown(connection: Connection, deletions: list[int]) -> list[int]:
    """Those of which the database has no row."""
    if not deletions:
        return []
    known = set(connection.execute(select(deletion_table.c.id)).scalars())
    known |= set(connection.execute(select(file_move.c.deletion)).scalars())
    return [number for number in deletions if number not in known]
