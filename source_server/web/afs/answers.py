"""Errors and answers in the form of openBIS's application file service."""

from __future__ import annotations

import json

from fastapi import Request, Response

_TEXT = "text/plain"
_BINARY = "application/octet-stream"


class CallError(Exception):
    """A call that is refused; clients see the message."""


class MissingError(CallError):
    """An owner or a file does not exist, or the user may not see it. Clients recognise this by the
    name of Java's class in its text."""

    def __init__(self, path: str) -> None:
        super().__init__(f"java.nio.file.NoSuchFileException: {path}")


def as_text(text: str) -> Response:
    return Response(text.encode(), media_type=_TEXT)


def as_bytes(content: bytes) -> Response:
    return Response(content, media_type=_BINARY)


def refused(_request: Request, error: Exception) -> Response:
    """Status 400 for whatever is wrong with a call, as in openBIS."""
    body = {"id": None, "result": None, "error": [str(error)]}
    return Response(json.dumps(body).encode(), 400, media_type="application/json")
