"""The envelope of each answer: ``error``, ``errorcode`` (the HTTP status), ``message``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import FormatError

OK = 200
_ERRORS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """``content`` has the other members, such as ``manufacturers`` or ``template``."""

    code: int
    message: str = ""
    content: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        return self.code >= _ERRORS

    def list_of(self, member: str) -> list[object]:
        """Raises `FormatError` if the member is missing or no list."""
        value = self.content.get(member)
        if not isinstance(value, list):
            raise FormatError(f"the answer has no list {member}")
        return value


def write_envelope(envelope: Envelope) -> bytes:
    """Members in the original's order, slashes escaped as in PHP, ASCII only (opendcim.md, 1.1)."""
    members: dict[str, object] = {"error": envelope.is_error, "errorcode": envelope.code}
    if envelope.message:
        members["message"] = envelope.message
    text = json.dumps({**members, **envelope.content}, separators=(",", ":"))
    return text.replace("/", "\\/").encode("ascii")


def read_envelope(body: bytes) -> Envelope:
    """Raises `FormatError` for anything else, such as a page of HTML."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the answer is no JSON but {_beginning(body)}") from error
    if not isinstance(members, dict):
        raise FormatError(f"the answer is no JSON object but {_beginning(body)}")
    code = members.pop("errorcode", None)
    failed = members.pop("error", None)
    # For `isdigit`, superscripts are digits, too, but `int` refuses them.
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code)
    if not isinstance(code, int) or not isinstance(failed, bool):
        raise FormatError(f"the answer lacks error and errorcode: {_beginning(body)}")
    if failed and code < _ERRORS:
        raise FormatError(f"the answer contradicts itself: error, but errorcode {code}")
    return Envelope(code=code, message=str(members.pop("message", "") or ""), content=members)


def _beginning(body: bytes) -> str:
    return repr(body[:80].decode("utf-8", errors="replace"))
