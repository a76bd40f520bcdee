"""A JSON file that the server reads again whenever it has changed, and that commands change."""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from shared.atomic_file import write_atomically

Entry = TypeVar("Entry")

_Stamp = tuple[int, int, int]


class KeptFile(Generic[Entry]):
    """Entries by name. A missing file has none.

    ``read`` makes them from the file, and raises `ConfigError` if it cannot be understood;
    ``to_json`` makes the content of the file.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], dict[str, Entry]],
        to_json: Callable[[dict[str, Entry]], Any],
    ) -> None:
        self.path = path
        self._read = read
        self._to_json = to_json
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._entries: dict[str, Entry] = {}

    def current(self) -> dict[str, Entry]:
        """The entries now, which must not be changed."""
        with self._lock:
            # The stamp is older than the content: a change in between is seen at the next question.
            stamp = _stamp_of(self.path)
            if stamp is None:
                self._entries = {}
            elif stamp != self._stamp:
                self._entries = self._read(self.path)
            self._stamp = stamp
            return self._entries

    @contextmanager
    def changing(self) -> Iterator[dict[str, Entry]]:
        """Open the entries to change them; only one program can do so at a time. Only its owner may
        read a new file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # The lock is on a file of its own: the file itself is replaced when it is written, and a
        # lock would stay with the old one.
        guard = self.path.with_name(f".{self.path.name}.lock")
        with guard.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            entries = self._read(self.path) if self.path.exists() else {}
            yield entries
            text = json.dumps(self._to_json(entries), indent=2, ensure_ascii=False) + "\n"
            write_atomically(self.path, text, mode=0o600)


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
