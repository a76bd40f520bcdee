"""The lists that lacked a file of the data store folder when they were last read, by any worker.

While there is one, no mark says that nothing has changed: the file may come back without a change
in the database (`source_server.catalogues.embedded`).
"""

from __future__ import annotations

from threading import Lock

from shared.model.kinds import Kind
from source_server.publication.catalogue import Scope
from source_server.workers.common import ALONE, Common

_Listed = tuple[Kind, Scope]


class MissingFiles:
    """Used as a set."""

    def __init__(self, common: Common = ALONE) -> None:
        self._notes = common.one("missing-files", _Notes)

    def __bool__(self) -> bool:
        return self._notes.are_there()

    def add(self, listed: _Listed) -> None:
        self._notes.add(listed)

    def discard(self, listed: _Listed) -> None:
        self._notes.discard(listed)


class _Notes:
    def __init__(self) -> None:
        self._lists: set[_Listed] = set()
        self._lock = Lock()

    def are_there(self) -> bool:
        with self._lock:
            return bool(self._lists)

    def add(self, listed: _Listed) -> None:
        with self._lock:
            self._lists.add(listed)

    def discard(self, listed: _Listed) -> None:
        with self._lock:
            self._lists.discard(listed)
