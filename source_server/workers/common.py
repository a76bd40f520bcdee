"""What all processes of one server have in common: limits, sessions, notes.

With one process it is made there, and used directly. With several, the parent makes and keeps it
(`source_server.workers.keeper`), and the workers call it (`source_server.workers.link`). Then only
methods can be used, their arguments and results must be values that can be pickled, and no method
may wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


class Common(Protocol):
    """Gives the objects that all processes of a server have in common."""

    @property
    def holder(self) -> int:
        """The number of this process, under which it holds what it takes; no later process of the
        same server gets it again."""
        ...

    def one(self, name: str, make: Callable[..., T], *arguments: object) -> T:
        """The object of this name. The first process that asks for it has it made."""
        ...


@runtime_checkable
class Held(Protocol):
    """An object of which processes hold something, such as permissions."""

    def release(self, holder: int) -> None:
        """Free all that a process holds which has ended, in whatever way."""
        ...


class _Alone:
    """One process: each object is made for the caller."""

    @property
    def holder(self) -> int:
        return 0

    def one(self, _name: str, make: Callable[..., T], *arguments: object) -> T:
        return make(*arguments)


ALONE: Common = _Alone()
