"""The ExternalResponse: what a row stores and the client is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from opendcim.connector.external_request import ElementId
from shared.errors import SyncError

Json = dict[str, object]


class Status(StrEnum):
    """Status of a request. Failed: malformed, or openDCIM or the registry could not be asked."""

    PENDING = "Pending"
    COMPLETED = "Completed"
    FAILED = "Failed"


class Result(StrEnum):
    """Result for one element."""

    FOUND = "Found"
    NOT_FOUND = "NotFound"
    AMBIGUOUS = "Ambiguous"
    ELEMENT_UNKNOWN = "ElementUnknown"
    ACCESS_DENIED = "AccessDenied"
    ERROR = "Error"


class PlaceKind(StrEnum):
    """Kind of place. Unknown: openDCIM does not say, or the device is disposed."""

    CABINET = "Cabinet"
    CHASSIS = "Chassis"
    STORAGE = "Storage"
    UNKNOWN = "Unknown"


class Code(StrEnum):
    """Why a request failed, for programs."""

    MALFORMED = "Malformed"
    TIMED_OUT = "TimedOut"
    UNREACHABLE = "Unreachable"
    REFUSED = "Refused"
    BAD_ANSWER = "BadAnswer"
    REGISTRY_UNAVAILABLE = "RegistryUnavailable"
    INTERRUPTED = "Interrupted"
    INTERNAL = "Internal"


class RequestFailedError(SyncError):
    """A request cannot be answered; caught in `workers`, where its row becomes Failed."""

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(message)


def timestamp(milliseconds: int) -> str:
    """``milliseconds`` since 1970 as ``2026-11-21T22:51:00.123Z``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def response(
    request_id: str,
    status: Status,
    *,
    received: int,
    finished: int | None = None,
    error: RequestFailedError | None = None,
    elements: Sequence[Json] = (),
) -> Json:
    """``received`` and ``finished`` are milliseconds since 1970."""
    return {
        "Id": request_id,
        "Status": status.value,
        "Received": timestamp(received),
        "Finished": None if finished is None else timestamp(finished),
        "Error": error and error_of(error.code, str(error)),
        "Elements": list(elements),
    }


def error_of(code: str, message: str) -> Json:
    return {"Code": str(code), "Message": message}


def element_answer(
    element: ElementId,
    name: str | None,
    result: Result,
    message: str | None = None,
    **found: object,
) -> Json:
    """An element's answer with all its members; ``found`` fills some of them."""
    return {
        "DmaId": element.dma_id,
        "ElementId": element.element_id,
        "ElementName": name,
        "Result": result.value,
        "Message": message,
        "Device": None,
        "Parent": None,
        "Location": None,
        "Department": None,
        "Template": None,
        "Ports": [],
        "PowerPorts": [],
        "Candidates": [],
        **found,
    }
