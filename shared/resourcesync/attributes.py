"""Reads attribute values: trimmed, and a blank one counts as absent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar, cast

from shared.model.ids import Code
from shared.model.limits import ATTRIBUTES
from shared.resourcesync.terms import SHA256
from shared.resourcesync.timestamps import parse_file_time, parse_timestamp

if TYPE_CHECKING:  # a server that only writes lists needs no parser
    from lxml.etree import _Element

# White space of XML. A no-break space is none.
BLANKS = " \t\r\n"

_NUMBER = re.compile(r"[+-]?[0-9]{1,19}").fullmatch
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch

_Choice = TypeVar("_Choice", bound=StrEnum)

Attributes = Mapping[str, str]


class UnreadableError(ValueError):
    """An item cannot be read; the message says why. It becomes a `RecordFault`."""


def items_of(element: _Element) -> list[tuple[str, str]]:
    """Names and values of an element's attributes, in the order of the document. `UnreadableError`
    if there are too many: the time to read them grows with the square of their number."""
    if len(element.attrib) > ATTRIBUTES:
        raise UnreadableError(
            f"an element has {len(element.attrib):,} attributes, over {ATTRIBUTES:,}"
        )
    return cast("list[tuple[str, str]]", element.items())


def attributes_of(element: _Element) -> dict[str, str]:
    return dict(items_of(element))


def word(attributes: Attributes, name: str) -> str | None:
    value = attributes.get(name)
    return (value.strip(BLANKS) or None) if value else None


def optional_code(attributes: Attributes, name: str) -> Code | None:
    value = word(attributes, name)
    return None if value is None else Code(value)


def verbatim(attributes: Attributes, name: str) -> str | None:
    """A text that people wrote, with the blanks around it; None if there is nothing else."""
    value = attributes.get(name)
    return value if value and value.strip(BLANKS) else None


def name_of_file(attributes: Attributes, name: str) -> str | None:
    """The name of a file, which may consist of nothing but blanks."""
    return attributes.get(name) or None


def needed(attributes: Attributes, name: str) -> str:
    value = word(attributes, name)
    if value is None:
        raise UnreadableError(f"the attribute {name} is missing or blank")
    return value


def truth(attributes: Attributes, name: str, *, absent: bool = False) -> bool:
    """True for ``true`` in any case, False for all else: the original reads master data so."""
    value = word(attributes, name)
    return absent if value is None else value.lower() == "true"


def exact_truth(attributes: Attributes, name: str) -> bool | None:
    """True or False for exactly ``true`` or ``false``; None if the attribute is missing or blank.
    openBIS 7 reads what newer versions have brought so."""
    value = word(attributes, name)
    if value not in {"true", "false", None}:
        raise UnreadableError(f"the attribute {name} is {value!r}, neither true nor false")
    return None if value is None else value == "true"


def number(attributes: Attributes, name: str) -> int:
    value = needed(attributes, name)
    if _NUMBER(value) is None:
        raise UnreadableError(f"the attribute {name} is {value!r}, which is no whole number")
    return int(value)


def length(attributes: Attributes, name: str = "length") -> int:
    value = number(attributes, name)
    if value < 0:
        raise UnreadableError(f"the attribute {name} is {value}; no length is negative")
    return value


def moment(attributes: Attributes, name: str) -> datetime | None:
    value = word(attributes, name)
    return None if value is None else moment_of(value, f"the attribute {name}")


def file_time(attributes: Attributes, name: str) -> datetime | None:
    value = word(attributes, name)
    return None if value is None else moment_of(value, f"the attribute {name}", parse_file_time)


def moment_of(text: str, what: str, parse: Callable[[str], datetime] = parse_timestamp) -> datetime:
    try:
        return parse(text)
    except ValueError as error:
        raise UnreadableError(f"{what} cannot be read: {error}") from error


def choice(attributes: Attributes, name: str, of: type[_Choice]) -> _Choice:
    value = needed(attributes, name)
    try:
        return of(value)
    except ValueError as error:
        known = ", ".join(of)
        raise UnreadableError(f"the attribute {name} is {value!r}, not one of {known}") from error


def sha256(attributes: Attributes, name: str = "checksum") -> str | None:
    """The digest of ``SHA256:<digest>``, in lower-case hex; None if there is no value."""
    value = word(attributes, name)
    if value is None:
        return None
    digest = value.removeprefix(SHA256).lower()
    if digest == value.lower() or _SHA256(digest) is None:
        raise UnreadableError(f"the attribute {name} is {value!r}, not SHA256: and 64 hex digits")
    return digest
