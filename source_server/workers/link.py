"""A worker's side of what workers share: its connection to the parent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, TypeVar, cast

from shared.errors import NotNowError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Make:
    """Make the object of this name, unless there is one."""

    name: str
    make: Callable[..., object]
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Call a method of the object."""

    name: str
    method: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker serves. There is no answer."""


Message = Make | Call | Ready


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned or raised."""

    value: object = None
    error: BaseException | None = None


class Link:
    """See `source_server.workers.common.Common`. Any number of threads may use it; they take
    turns. Calls raise `NotNowError` when the parent has ended, and the worker is about to."""

    def __init__(self, connection: Connection, holder: int) -> None:
        self._connection = connection
        self._holder = holder
        self._lock = threading.Lock()

    @property
    def holder(self) -> int:
        return self._holder

    def one(self, name: str, make: Callable[..., T], *arguments: object) -> T:
        self._asked(Make(name, make, arguments))
        return cast("T", _Remote(self, name))

    def call(self, name: str, method: str, *arguments: object) -> Any:
        return self._asked(Call(name, method, arguments))

    def ready(self) -> None:
        with self._lock:
            self._connection.send(Ready())

    def _asked(self, message: Message) -> Any:
        try:
            with self._lock:
                self._connection.send(message)
                answer: Answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise NotNowError("the server is being stopped; try again later") from error
        if answer.error is not None:
            raise answer.error
        return answer.value


class _Remote:
    """Stands for an object that the parent keeps; has all its methods."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._link.call, self._name, method)
