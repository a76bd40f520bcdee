"""A request as its row shows it."""

from __future__ import annotations

from dataclasses import dataclass

from opendcim.connector.external_request import ExternalRequest
from opendcim.connector.external_response import Json, Status, response, timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    request_id: str
    digest: str
    request: str | None
    posted_by: str | None
    received: int
    deadline: int
    # The answer, if the request failed before work on it began.
    response: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """``response`` is None while the status is Pending, and in pages of rows."""

    request_id: str
    digest: str
    request: str | None
    status: Status
    received: int
    deadline: int
    finished: int | None
    begun: int
    error: Json | None
    response: Json | None

    def summary(self) -> Json:
        """The row without the answer, which may be long."""
        return {
            "Id": self.request_id,
            "Status": self.status.value,
            "Received": timestamp(self.received),
            "Finished": None if self.finished is None else timestamp(self.finished),
            "Error": self.error,
            "Elements": len(self.wanted().elements) if self.request else 0,
        }

    def content(self) -> Json:
        if self.response is not None:
            return self.response
        return response(self.request_id, self.status, received=self.received)

    def wanted(self) -> ExternalRequest:
        return ExternalRequest.from_json(self.request or "")
