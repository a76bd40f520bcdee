"""The moments of a harvest at which it can be interrupted, watched from within its process.

Such a moment comes before each SQL statement and each commit, and before each change of the file
system. Where a harvest is, in which pass and step, is told by its log. Nothing of the program is
replaced: SQLAlchemy's events, Python's audit events and the logger of the section say all.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine, event

SECTION = "DS1"
BETWEEN = "between the steps"
_STARTED = "] monitoring started"
_ENDED = ("finished", "broken off")
_FILE_EVENTS = {
    "os.rename": "rename",
    "os.link": "link",
    "os.remove": "remove",
    "os.rmdir": "remove folder",
    "shutil.rmtree": "remove tree",
    "os.mkdir": "make folder",
    "os.utime": "set times",
    "os.truncate": "truncate",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_POLL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a harvest is: whether it only rehearses (None: in neither pass), and in which step."""

    rehearsal: bool | None = None
    step: str = BETWEEN

    def __str__(self) -> str:
        names = {None: "before the passes", True: "dry run", False: "real"}
        return f"{names[self.rehearsal]}, {self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One of those of a sort: of ``what``, with a ``text`` in its statement or its paths, at a
    place (None: anywhere); ``after`` so many of the same sort."""

    what: str
    text: str = ""
    place: Place | None = None
    after: int = 0

    def is_of_this_sort(self, what: str, text: str, place: Place) -> bool:
        return what == self.what and self.text in text and self.place in {None, place}

    def __str__(self) -> str:
        where = f" in {self.place}" if self.place else ""
        return f"{self.what} {self.text!r} number {self.after}{where}"

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def of_json(cls, value: dict[str, object]) -> Moment:
        place = value.pop("place")
        found = Place(**place) if isinstance(place, dict) else None
        return cls(**value, place=found)  # type: ignore[arg-type] # as it was written


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A moment of the past: one that a harvest had."""

    what: str
    text: str
    place: Place


def place_in(log: str) -> Place:
    """Where a harvest was when it wrote the last line of its log."""
    place = Place()
    for line in log.splitlines():
        place = _moved(place, line.partition(" INFO  ")[2])
    return place


def _moved(place: Place, told: str) -> Place:
    if told.startswith("Data source: "):  # the banner of the next run
        return Place()
    if told.startswith("DRY RUN"):
        return Place(rehearsal=True)
    if told.startswith("REAL RUN"):
        return Place(rehearsal=False)
    if told.startswith("[") and told.endswith(_STARTED):
        return Place(rehearsal=place.rehearsal, step=told[1:].removesuffix(_STARTED))
    if told.startswith(f"[{place.step}]") and any(f"] {word}" in told for word in _ENDED):
        return Place(rehearsal=place.rehearsal)
    return place


class _Listener(logging.Handler):
    """Hears what the section's log is told."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Place()

    def emit(self, record: logging.LogRecord) -> None:
        for line in getattr(record, "lines", ()) or (record.getMessage(),):
            self.place = _moved(self.place, line)


class Watcher:
    """Watches this process; kills it at a moment, or keeps the thread there until it is let go."""

    def __init__(
        self, root: Path, moment: Moment | None, halt: Path | None, census: Path | None
    ) -> None:
        self._root = str(root)
        self._moment = moment
        self._halt = halt
        self._left = moment.after if moment else 0
        self._lock = threading.RLock()
        self._listener = _Listener()
        self._census = -1 if census is None else os.open(census, os.O_WRONLY | os.O_CREAT)

    def begin(self) -> None:
        logging.getLogger(f"harvester.section.{SECTION}").addHandler(self._listener)
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", lambda _: self._happens("commit", ""))
        sys.addaudithook(self._audit)

    def _statement(self, *arguments: object) -> None:
        self._happens("statement", " ".join(str(arguments[2]).split()))

    def _audit(self, name: str, arguments: tuple[object, ...]) -> None:
        if name == "open":
            self._opened(*arguments)
        elif what := _FILE_EVENTS.get(name):
            names = " > ".join(a for a in map(_path, arguments) if a)
            if "__pycache__" not in names:
                self._happens(what, names)

    def _opened(self, path: object, _mode: object, flags: object) -> None:
        name = _path(path)
        if name.startswith(self._root) and isinstance(flags, int):
            if flags & _WRITING:
                self._happens("write", name)
            elif flags & os.O_DIRECTORY or os.path.isdir(name):  # noqa: PTH112 - cheap, and often
                self._happens("look into folder", name)

    def _happens(self, what: str, text: str) -> None:
        with self._lock:
            place = self._listener.place
            if self._census >= 0:
                line = json.dumps([what, text.replace(self._root, ""), asdict(place)])
                os.write(self._census, f"{line}\n".encode())
            if self._moment is None or not self._moment.is_of_this_sort(what, text, place):
                return
            self._left -= 1
            if self._left >= 0:
                return
            self._moment = None
        if self._halt is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            _stay(self._halt)


def _path(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, str | bytes | os.PathLike) else ""


def _stay(halt: Path) -> None:
    """Until somebody removes the file that says that the moment has come."""
    halt.touch()
    while halt.exists():
        time.sleep(_POLL)


def read_census(file: Path) -> list[Seen]:
    """What a harvest wrote of its moments."""
    found = []
    for line in file.read_text().splitlines():
        what, text, place = json.loads(line)
        found.append(Seen(what=what, text=text, place=Place(**place)))
    return found


def numbered(census: list[Seen]) -> list[Moment]:
    """Each moment of a census, so that it can be met again: the n-th of its sort at its place."""
    counts: dict[tuple[str, Place], int] = {}
    found = []
    for one in census:
        key = (one.what, one.place)
        counts[key] = counts.get(key, -1) + 1
        found.append(Moment(what=one.what, place=one.place, after=counts[key]))
    return found
