"""Reads an ExternalRequest, in the spellings that senders have for it.

::

    {"Id": "9f6c0d3e-...", "Elements": [{"DmaId": 1001, "ElementId": 15}, "1001/16"],
     "Include": ["Device", "Cabinet"], "TimeoutSeconds": 60}

Member names are compared without case, ``_`` and ``-``; unknown members are ignored. Only the id
and the elements are mandatory.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NoReturn

from shared.errors import RequestError

# An id is a part of the row's URL path, so `/`, `?`, `#`, `%`, and `.` or `..` alone are refused.
_ID = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._:{}()@~-]{1,100}")
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_SHORT = re.compile(r"\s*([0-9]{1,10})\s*/\s*([0-9]{1,10})\s*", re.ASCII)
_HIGHEST = 2**31 - 1

_REQUEST_ID = ("id", "requestid")
_ELEMENTS = ("elements", "elementdata")
_DMA_ID = ("dmaid", "dataminerid")
_ELEMENT_ID = ("elementid", "eid")
_INCLUDE = ("include",)
_TIMEOUT = ("timeoutseconds",)


class AnswerPart(StrEnum):
    """Parts of an answer that a request can ask for; each costs calls of its own."""

    DEVICE = "Device"
    PARENT = "Parent"
    CABINET = "Cabinet"
    ROW = "Row"
    ZONE = "Zone"
    DATA_CENTER = "DataCenter"
    DEPARTMENT = "Department"
    TEMPLATE = "Template"
    PORTS = "Ports"
    POWER_PORTS = "PowerPorts"


_PARTS = {part.casefold(): part for part in AnswerPart}


@dataclass(frozen=True, slots=True, order=True)
class ElementId:
    """Id of the agent that hosts the element, and id of the element on that agent."""

    dma_id: int
    element_id: int

    def __str__(self) -> str:
        return f"{self.dma_id}/{self.element_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRequest:
    """``timeout`` is None if the request names none: the setting applies."""

    elements: tuple[ElementId, ...]
    include: frozenset[AnswerPart] = frozenset(AnswerPart)
    timeout: timedelta | None = None

    def to_json(self) -> str:
        """Canonical JSON: requests with the same content give the same text."""
        content = {
            "Elements": [str(element) for element in self.elements],
            "Include": sorted(self.include),
            "TimeoutSeconds": self.timeout.total_seconds() if self.timeout else None,
        }
        return json.dumps(content, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ExternalRequest:
        """Inverse of `to_json`."""
        content = json.loads(text)
        seconds = content["TimeoutSeconds"]
        return cls(
            elements=tuple(ElementId(*map(int, e.split("/"))) for e in content["Elements"]),
            include=frozenset(map(AnswerPart, content["Include"])),
            timeout=None if seconds is None else timedelta(seconds=seconds),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A request with an id. ``fault`` says why it is malformed, else ``request`` is set.

    Requests with the same ``digest`` have the same content.
    """

    request_id: str
    digest: str
    request: ExternalRequest | None = None
    fault: str | None = None


class _Malformed(Exception):  # noqa: N818 - private to this module
    """The request has an id, but is malformed; the message says why."""


def read_posted(body: bytes, max_elements: int) -> Posted:
    """Raises `RequestError` if there is no usable id, so that no row can be made for it."""
    content = _parsed(body)
    members = _members(content)
    request_id = _request_id(members)
    try:
        request = _request(members, max_elements)
    except _Malformed as error:
        # The digest recognises a malformed request that is posted again.
        text = json.dumps(content, sort_keys=True)
        return Posted(request_id=request_id, digest=_digest(text), fault=str(error))
    return Posted(request_id=request_id, digest=_digest(request.to_json()), request=request)


def is_request_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def _parsed(body: bytes) -> Mapping[str, object]:
    try:
        content = json.loads(body, parse_constant=_no_constant, object_pairs_hook=_pairs)
    except RecursionError as error:
        raise RequestError("the body is nested too deeply for an ExternalRequest") from error
    except ValueError as error:
        raise RequestError(f"the body is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise RequestError("the body must be a JSON object: an ExternalRequest with Id, Elements")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value of JSON")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Python's parser would silently keep the last of two members with the same name.
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        raise ValueError("a member is given twice in the same object")
    return dict(pairs)


def _members(content: Mapping[str, object]) -> dict[str, list[object]]:
    """Values by canonical name; several values if one name is there in several spellings."""
    members: dict[str, list[object]] = {}
    for name, value in content.items():
        members.setdefault(re.sub(r"[_\- ]", "", name).casefold(), []).append(value)
    return members


def _one(members: Mapping[str, list[object]], names: Sequence[str], shown: str) -> object:
    found = [value for name in names for value in members.get(name, ())]
    if len(found) > 1:
        raise _Malformed(f"{shown} is given {len(found)} times, in different spellings")
    return found[0] if found else None


def _request_id(members: Mapping[str, list[object]]) -> str:
    try:
        value = _one(members, _REQUEST_ID, "Id")
    except _Malformed as error:
        raise RequestError(str(error)) from error
    if value is None:
        raise RequestError("Id is missing: a text that no other request has, such as a GUID")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not is_request_id(value):
        raise RequestError(
            "Id must be a text of 1 to 100 letters, digits and . _ : { } ( ) @ ~ -, such as a GUID"
        )
    return value


def _request(members: Mapping[str, list[object]], max_elements: int) -> ExternalRequest:
    value = _one(members, _ELEMENTS, "Elements")
    if value is None:
        raise _Malformed("Elements is missing: a list of elements with DmaId and ElementId")
    elements = value if isinstance(value, list) else [value]
    if not elements:
        raise _Malformed("Elements is empty: at least one element is needed")
    if len(elements) > max_elements:
        raise _Malformed(
            f"Elements has {len(elements):,} elements; at most {max_elements:,} may be asked for "
            "at once, so send several requests"
        )
    return ExternalRequest(
        elements=tuple(_element(index, element) for index, element in enumerate(elements)),
        include=_include(_one(members, _INCLUDE, "Include")),
        timeout=_timeout(_one(members, _TIMEOUT, "TimeoutSeconds")),
    )


def _element(index: int, value: object) -> ElementId:
    place = f"Elements[{index}]"
    if isinstance(value, str):
        found = _SHORT.fullmatch(value)
        if not found:
            raise _Malformed(f'{place} must be a text such as "1001/15", or an object')
        return ElementId(_number(place, found[1]), _number(place, found[2]))
    if not isinstance(value, dict):
        raise _Malformed(f"{place} must be an object with DmaId and ElementId")
    members = _members(value)
    dma_id = _one(members, _DMA_ID, f"{place}.DmaId")
    element_id = _one(members, _ELEMENT_ID, f"{place}.ElementId")
    return ElementId(_number(f"{place}.DmaId", dma_id), _number(f"{place}.ElementId", element_id))


def _number(place: str, value: object) -> int:
    if value is None:
        raise _Malformed(f"{place} is missing")
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, bool) or not isinstance(text, int | str) or not _is_number(text):
        raise _Malformed(f"{place} must be a whole number from 1 to {_HIGHEST}")
    return int(text)


def _is_number(value: int | str) -> bool:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return False
    return 1 <= int(value) <= _HIGHEST


def _include(value: object) -> frozenset[AnswerPart]:
    if value is None:
        return frozenset(AnswerPart)
    if not isinstance(value, list) or not value:
        raise _Malformed("Include must be a list of names; leave it out to get everything")
    names = [name.casefold() if isinstance(name, str) else "" for name in value]
    if not _PARTS.keys() >= set(names):
        raise _Malformed(f"Include may hold {', '.join(AnswerPart)}, and nothing else")
    return frozenset(_PARTS[name] for name in names)


def _timeout(value: object) -> timedelta | None:
    if value is None:
        return None
    try:
        seconds = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    if isinstance(value, bool) or not 1 <= seconds <= _HIGHEST:
        raise _Malformed("TimeoutSeconds must be a number of seconds, at least 1")
    return timedelta(seconds=seconds)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
