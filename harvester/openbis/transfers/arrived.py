"""Data sets whose files have all arrived; they wait in temporary folders until their rows are
written.

The owner of a data set is decided in the writer's lock, and its folder is put in place in the same
transaction. So a folder and its row belong to one section. What was replaced is removed after the
transaction.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harvester.http.partials import remove
from harvester.openbis.destination.arrivals import DATA_SET
from harvester.openbis.transfers.leftovers import Leftovers
from harvester.openbis.transfers.set_aside import SetAside
from shared.checkpoints import checkpoint
from shared.errors import ItemError
from shared.model.kinds import Kind
from shared.paths import safe_relative_path
from shared.store.files import DataStore

# Folders that are synced.
_AT_ONCE = 8


@dataclass(slots=True)
class Arrived:
    """The temporary folders by the codes of their data sets."""

    store: DataStore
    leftovers: Leftovers
    aside: SetAside
    _waiting: dict[str, Path] = field(default_factory=dict)
    _dealt_with: list[str] = field(default_factory=list)
    _unwanted: list[Path] = field(default_factory=list)
    _replaced: dict[str, Path] = field(default_factory=dict)
    _installed: list[str] = field(default_factory=list)

    def add(self, code: str, folder: Path) -> None:
        """Add a folder that is complete and synced to the disk."""
        checkpoint("a data set waits for its place", code)
        self._waiting[code] = folder

    def install(self, code: str, *, keep: bool) -> None:
        """See `Transfers.install`."""
        folder = self._waiting.pop(code)
        self._dealt_with.append(code)
        try:
            displaced = self.aside.place(DATA_SET, code) if keep else None
            old = self.store.install_data_set(code, folder, displaced)
        except OSError as error:
            self._unwanted.append(folder)
            raise _cannot(code, error) from error
        self._installed.append(code)
        if old and keep:
            self.aside.count()
        elif old:
            self._replaced[code] = old

    def replaces_more(self, code: str, brought: Collection[str]) -> bool:
        """See `Transfers.replaces_more`."""
        known = frozenset(Path(safe_relative_path(path)) for path in brought)
        return _has_more(self.store.data_set_folder(code), self._waiting[code], known)

    def secure(self) -> list[ItemError]:
        """See `Transfers.secure`. Folders are synced in parallel, since other sections wait for the
        writer's lock."""
        codes = list(self._installed)
        self._installed.clear()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="secure") as threads:
            errors = [error for error in threads.map(self._secure, codes) if error]
        for error in errors:  # its row stays as it was, so the next run puts back what was replaced
            self._replaced.pop(error.perm_id, None)
        return errors

    def _secure(self, code: str) -> ItemError | None:
        try:
            self.store.secure_data_set(code)
        except OSError as error:
            return _cannot(code, error)
        return None

    def give_up(self, code: str, *, for_now: bool) -> None:
        """See `Transfers.give_up`."""
        folder = self._waiting.pop(code)
        if for_now:
            self.leftovers.keep(folder)
            return
        self._unwanted.append(folder)
        self._dealt_with.append(code)

    def settle(self) -> None:
        """See `Transfers.settle`."""
        for code in self._dealt_with:
            self.leftovers.forget(code)
        checkpoint("what data sets have replaced is about to be removed")
        for path in (*self._unwanted, *self._replaced.values()):
            with suppress(OSError):  # else the next run clears it away
                remove(path)
        self._dealt_with.clear()
        self._unwanted.clear()
        self._replaced.clear()


def _has_more(old: Path, new: Path, known: Collection[Path]) -> bool:
    """Whether a folder has files that another one does not have in the same places, besides those
    in ``known`` places. A link, or a file in the place of the folder, counts as more; so does what
    cannot be read."""
    if not os.path.lexists(old):
        return False
    if old.is_symlink() or not old.is_dir():
        return True
    try:
        for folder, folders, files in os.walk(old, onerror=_raise):
            here = Path(folder).relative_to(old)
            # `os.walk` does not follow links to folders, so what lies behind one would not be seen.
            if any(Path(folder, name).is_symlink() for name in folders):
                return True
            more = [name for name in files if here / name not in known]
            if not all(Path(folder, name).samefile(new / here / name) for name in more):
                return True
    except OSError:
        return True
    return False


def _raise(error: OSError) -> None:
    raise error


def _cannot(code: str, error: OSError) -> ItemError:
    return ItemError(Kind.DATA_SET, code, f"cannot be put in place: {error}")
