"""Requests that are understood and refused."""

from __future__ import annotations

from shared.errors import SyncError

BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
TOO_LARGE = 413

# The original's message; longer ones begin with it.
NOT_PROCESSED = "Error processing request."


class RefusalError(SyncError):
    """``status`` is the HTTP status; the message is for the client, in the envelope."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def not_allowed(deed: str) -> RefusalError:
    return RefusalError(FORBIDDEN, f"Access Denied. This Api key has not the right to {deed}")


def no_such_request() -> RefusalError:
    return RefusalError(NOT_FOUND, "RequestID not found.")
