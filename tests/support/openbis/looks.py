"""Changes a folder at the moment at which a program looks into it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_actions: list[Callable[[Path], None]] = []


def _hook(event: str, args: tuple[object, ...]) -> None:
    if event == "os.scandir" and _actions:
        action = _actions.pop()  # it may look into folders itself
        action(Path(str(args[0])))
        _actions.append(action)


sys.addaudithook(_hook)


@contextmanager
def whenever_a_folder_is_looked_into(action: Callable[[Path], None]) -> Iterator[None]:
    _actions.append(action)
    yield
    _actions.clear()
