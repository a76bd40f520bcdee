"""A harvester that dies: each command runs in a process of its own, which kills itself (SIGKILL)
at the n-th moment: a checkpoint of the code (`shared.checkpoints`), or when it is about to rename,
link or remove something; or at a checkpoint of a certain name.

The processes are forked from one that has imported everything and has a single thread.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harvester.__main__ import main as harvester
from shared.checkpoints import EVENT

PROJECT = Path(__file__).parents[3]
_FATAL = frozenset({EVENT, "os.rename", "os.link", "os.remove", "os.rmdir", "shutil.rmtree"})


class DyingCommands:
    """Runs commands that die."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, arguments: Sequence[str], *, after: int = 0, at: str = "") -> bool:
        """Whether the command came to its end, since there were not so many moments. ``after``
        counts those that it lives through; with ``at``, only the checkpoints of this name."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("there are no pipes")
        order = {"arguments": list(arguments), "after": after, "at": at}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        if code not in {0, -signal.SIGKILL}:
            raise RuntimeError(f"the command ended with {code}")
        return code == 0


@contextmanager
def commands_that_die() -> Iterator[DyingCommands]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.processes.dies_after_n"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    ) as process:
        yield DyingCommands(process)


def _serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _die(order["after"], order["at"])
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until this process ends
            os._exit(harvester(order["arguments"]))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - this is its answer


def _die(after: int, at: str) -> None:
    left = iter(range(after))

    def fatal(event: str, arguments: tuple[object, ...]) -> None:
        is_one = (event == EVENT and arguments[0] == at) if at else event in _FATAL
        if is_one and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(fatal)


if __name__ == "__main__":
    _serve()
