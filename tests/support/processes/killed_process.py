"""Harvesters that die by SIGKILL at a moment (`tests.support.processes.moments`), or stop there
until the test lets them go on.

Each is a process of its own, forked from one that has imported everything and has a single thread;
so a start costs next to nothing. What they print goes to files.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from harvester.__main__ import main as harvester
from tests.support.instances.harvests import Harvest
from tests.support.processes.moments import Moment, Watcher

PROJECT = Path(__file__).parents[3]
# Seconds; for what takes one, on a machine that has much else to do.
PATIENCE = 180.0
_POLL = 0.05
_DIE_WITH_PARENT = 1
KILLED = -signal.SIGKILL


def wait_until(happened: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} seconds: {what}"
        time.sleep(_POLL)


@dataclass(slots=True, kw_only=True)
class HarvesterProcess:
    """A harvester at work."""

    pid: int
    halt: Path
    printed: Path
    _poll: Callable[[int], int | None]
    code: int | None = None

    @property
    def output(self) -> str:
        return self.printed.read_text() if self.printed.exists() else ""

    @property
    def is_alive(self) -> bool:
        if self.code is None:
            self.code = self._poll(self.pid)
        return self.code is None

    def ends(self) -> int:
        """Its exit code, as `subprocess` has it."""
        wait_until(lambda: not self.is_alive, f"the end of process {self.pid}")
        assert self.code is not None
        return self.code

    def kill(self) -> None:
        if self.is_alive:
            os.kill(self.pid, signal.SIGKILL)
        self.ends()

    def stops(self) -> int:
        """As an operator stops it."""
        os.kill(self.pid, signal.SIGTERM)
        return self.ends()

    def is_at_its_moment(self) -> None:
        """Wait until it has come there."""
        wait_until(lambda: self.halt.exists() or not self.is_alive, "the moment")
        assert self.halt.exists(), self.output

    def go_on(self) -> None:
        self.halt.unlink()


@dataclass(slots=True)
class Starter:
    """Starts them, each forked from one process."""

    _process: subprocess.Popen[str]
    _born: list[HarvesterProcess] = field(default_factory=list)

    def start(
        self,
        harvest: Harvest,
        *,
        dies_at: Moment | None = None,
        stops_at: Moment | None = None,
        census: Path | None = None,
        command: tuple[str, ...] = ("daemon",),
    ) -> HarvesterProcess:
        """A command of the harvester."""
        number = len(self._born)
        halt = harvest.root.parent / f"{harvest.root.name}-moment-{number}"
        printed = harvest.root.parent / f"{harvest.root.name}-printed-{number}"
        moment = dies_at or stops_at
        config = str(harvest.root / "harvester.properties")
        answer = self._ask(
            arguments=[command[0], "--config", config, *command[1:]],
            root=str(harvest.root),
            moment=asdict(moment) if moment else None,
            halt=str(halt) if stops_at else None,
            census=str(census) if census else None,
            printed=str(printed),
        )
        self._born.append(
            HarvesterProcess(pid=int(answer["pid"]), halt=halt, printed=printed, _poll=self._poll)
        )
        return self._born[-1]

    def run(self, harvest: Harvest, **how: Any) -> HarvesterProcess:
        """The same, until it has ended."""
        one = self.start(harvest, **how)
        one.ends()
        return one

    def end(self) -> None:
        for one in self._born:
            one.kill()

    def _poll(self, pid: int) -> int | None:
        code = self._ask(poll=pid)["code"]
        return None if code is None else int(code)

    def _ask(self, **order: object) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("there are no pipes")
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def a_starter(environment: Mapping[str, str]) -> Iterator[Starter]:
    """With these variables besides those of the test. All that are still alive in the end are
    killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.processes.killed_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={**os.environ, **environment},
    ) as process:
        found = Starter(process)
        try:
            yield found
        finally:
            found.end()
            if process.stdin:
                process.stdin.close()


def _serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        answer = {"code": _code(order["poll"])} if "poll" in order else {"pid": _fork(order)}
        print(json.dumps(answer), flush=True)  # noqa: T201 - this is its answer


def _code(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _fork(order: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        _detach(Path(order["printed"]))
        moment = Moment(**order["moment"]) if order["moment"] else None
        halt, census = (Path(p) if p else None for p in (order["halt"], order["census"]))
        Watcher(Path(order["root"]), moment, halt, census).begin()
        code = harvester(order["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _detach(printed: Path) -> None:
    """From the pipes of the one it comes from; but it does not outlive it."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    file = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(descriptor, place)


if __name__ == "__main__":
    assert psycopg  # imported before it is needed, so that nobody has to do it anew
    _serve()
