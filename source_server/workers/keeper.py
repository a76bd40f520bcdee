"""The parent's side of what workers share: it keeps the objects and answers the calls.

All calls are answered one after the other in the parent's only thread.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from shared.edges import settle
from source_server.workers.common import Held
from source_server.workers.link import Answer, Call, Make


class Keeper:
    def __init__(self, **objects: object) -> None:
        self._objects: dict[str, object] = objects

    def answer(self, message: Make | Call) -> Answer:
        """What the worker's call returns; an error is raised at the worker."""
        outcome: Future[Any] = Future()
        settle(outcome, lambda: self._done(message))
        error = outcome.exception()
        return Answer(error=error) if error else Answer(outcome.result())

    def release(self, holder: int) -> None:
        """Free what a worker held that has ended."""
        for each in self._objects.values():
            if isinstance(each, Held):
                each.release(holder)

    def _done(self, message: Make | Call) -> Any:
        if isinstance(message, Call):
            return getattr(self._objects[message.name], message.method)(*message.arguments)
        if message.name not in self._objects:
            self._objects[message.name] = message.make(*message.arguments)
        return None
