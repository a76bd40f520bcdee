"""The moments at which a harvest can be interrupted, watched from within its process.

Such a moment is a checkpoint of the code (`shared.checkpoints`), or a change of the file system, of
which Python itself says that it is about to come (its audit events). Nothing of the program is
replaced, and nothing here depends on its statements or on its log.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from shared.checkpoints import EVENT

PROJECT = Path(__file__).resolve().parents[3]
PASS_BEGINS, STEP_BEGINS, STEP_ENDS = "a pass begins", "a step begins", "a step ends"
RUN_BEGINS = "the run is noted, and about to be committed"
# Python raises these before it changes the file system.
FILE_EVENTS = frozenset(
    {
        "os.rename",
        "os.link",
        "os.remove",
        "os.rmdir",
        "shutil.rmtree",
        "os.mkdir",
        "os.utime",
        "os.truncate",
    }
)
_POLL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a harvest is: whether it only rehearses (None: in neither pass), and in which step
    (empty: between the steps)."""

    rehearsal: bool | None = None
    step: str = ""

    def after(self, name: str, about: str) -> Place:
        """The place to which a checkpoint leads."""
        if name == RUN_BEGINS:
            return Place()
        if name == PASS_BEGINS:
            return Place(rehearsal=about == "dry run")
        if name in {STEP_BEGINS, STEP_ENDS}:
            return replace(self, step=about if name == STEP_BEGINS else "")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A checkpoint or a file event of this name, about something that contains ``about``, in the
    dry run or in the real pass and in a step (None: anywhere), after this number of others of the
    same sort."""

    name: str
    about: str = ""
    rehearsal: bool | None = None
    step: str | None = None
    after: int = 0

    def is_of_this_sort(self, name: str, about: str, place: Place) -> bool:
        return (
            name == self.name
            and self.about in about
            and self.rehearsal in {None, place.rehearsal}
            and self.step in {None, place.step}
        )

    def __str__(self) -> str:
        about = f" ({self.about})" if self.about else ""
        number = f", number {self.after}" if self.after else ""
        names = {None: "", True: " in the dry run", False: " in the real pass"}
        step = f", {self.step or 'between the steps'}" if self.step is not None else ""
        return f"{self.name}{about}{number}{names[self.rehearsal]}{step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A moment of the past: one that a harvest had."""

    name: str
    about: str
    place: Place


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
        self._place = Place()
        self._census = -1 if census is None else os.open(census, os.O_WRONLY | os.O_CREAT)

    def begin(self) -> None:
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == EVENT:
            name, about = map(str, arguments)
            self._happens(name, about)
        elif event in FILE_EVENTS:
            paths = " > ".join(path for path in map(_path, arguments) if path)
            if "__pycache__" not in paths:
                self._happens(event, paths)

    def _happens(self, name: str, about: str) -> None:
        with self._lock:
            place = self._place
            self._place = place.after(name, about)
            if self._census >= 0:
                line = json.dumps([name, about.replace(self._root, ""), asdict(place)])
                os.write(self._census, f"{line}\n".encode())
            if self._moment is None or not self._moment.is_of_this_sort(name, about, place):
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
    """Until the test removes the file that says that the moment has come."""
    halt.touch()
    while halt.exists():
        time.sleep(_POLL)


def read_census(file: Path) -> list[Seen]:
    """What a harvest wrote of its moments."""
    found = []
    for line in file.read_text().splitlines():
        name, about, place = json.loads(line)
        found.append(Seen(name=name, about=about, place=Place(**place)))
    return found


def numbered(census: list[Seen]) -> list[Moment]:
    """Each moment of a census, so that it can be met again: the n-th of its name at its place."""
    counts: Counter[tuple[str, Place]] = Counter()
    found = []
    for one in census:
        key = (one.name, one.place)
        found.append(
            Moment(
                name=one.name,
                rehearsal=one.place.rehearsal,
                step=one.place.step,
                after=counts[key],
            )
        )
        counts[key] += 1
    return found


def checkpoints() -> Iterator[tuple[str, str]]:
    """Each checkpoint of the programs: its name as the code has it, and its file and line."""
    for package in ("harvester", "opendcim", "shared", "source_server"):
        for path in sorted((PROJECT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "checkpoint":
                    place = f"{path.relative_to(PROJECT)}:{node.lineno}"
                    yield ast.literal_eval(node.args[0]), place
