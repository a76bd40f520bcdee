"""Answers one request: looks its elements up in parallel, within the request's time."""

from __future__ import annotations

import threading
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from opendcim.connector.external_request import ElementId, ExternalRequest
from opendcim.connector.external_response import (
    Json,
    RequestFailedError,
    Result,
    element_answer,
)
from opendcim.connector.lookup import Lookup
from opendcim.connector.opendcim import OpenDcim, StoppedWorkError, Time
from opendcim.connector.registry import Registry
from opendcim.connector.registry_places import RegistryPlace
from shared.edges import OnError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """``elements`` in the order of the request; those done before the failure if it failed."""

    elements: list[Json]
    error: RequestFailedError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """``connections`` is how many elements of one request are looked up at once."""

    opendcim: OpenDcim
    registry: RegistryPlace
    connections: int
    custom: Collection[str] = ()

    def answer(self, request: ExternalRequest, seconds: float, stop: threading.Event) -> Answered:
        """Raises `StoppedWorkError` if ``stop`` is set before all elements are done."""
        try:
            registry = self.registry.current()
        except RequestFailedError as error:
            return Answered(elements=[], error=error)
        failed = threading.Event()
        lookup = Lookup(
            opendcim=self.opendcim,
            time=_TimeOfRun(seconds, stop, failed),
            include=request.include,
            custom=self.custom,
        )
        # The end of the block waits for all elements; a failure or a stop ends them by `Time.left`.
        with ThreadPoolExecutor(self.connections, "opendcim-lookup") as pool:
            asked = [
                pool.submit(_guarded, failed, lookup, registry, element)
                for element in request.elements
            ]
        return _gathered(asked)


class _TimeOfRun(Time):
    """Time of a run that ends for all elements as soon as one fails with an error that concerns
    all."""

    def __init__(self, seconds: float, stop: threading.Event, failed: threading.Event) -> None:
        super().__init__(seconds, stop)
        self._failed = failed

    def left(self) -> float:
        if self._failed.is_set():
            raise StoppedWorkError
        return super().left()


def _guarded(
    failed: threading.Event, lookup: Lookup, registry: Registry, element: ElementId
) -> Json:
    with OnError(failed.set):  # whatever it is, the whole request ends with it
        return _answer(lookup, registry, element)


def _answer(lookup: Lookup, registry: Registry, element: ElementId) -> Json:
    # Elements that need no call to openDCIM end with the request, too.
    lookup.time.left()
    name = registry.names.get(element)
    if name is None:
        return element_answer(
            element, None, Result.ELEMENT_UNKNOWN, "the element registry does not know this element"
        )
    if names := registry.contradictory.get(element):
        message = f"the element registry gives it several names: {', '.join(names)}"
        return element_answer(element, None, Result.ERROR, message)
    if not name:
        message = "the element registry has no name for this element"
        return element_answer(element, None, Result.ELEMENT_UNKNOWN, message)
    return lookup.answer(element, name)


def _gathered(asked: list[Future[Json]]) -> Answered:
    elements: list[Json] = []
    error: RequestFailedError | None = None
    for future in asked:
        found = future.exception()
        if found is None:
            elements.append(future.result())
        elif isinstance(found, RequestFailedError):
            error = error or found
        elif not isinstance(found, StoppedWorkError):
            raise found
    # No element failed, so the others ended because the program stops.
    if error is None and len(elements) < len(asked):
        raise StoppedWorkError
    return Answered(elements=elements, error=error)
