"""The element registry maps element ids to names. It is a CSV or JSON file, or comes by HTTP.

The first line of CSV has the names of the columns, separated by ``,``, ``;`` or tab::

    DmaId;ElementId;Name
    1001;15;ENC-Brussels-01

or ``Element;Name`` with elements such as ``1001/15``. JSON is a list of objects with these members,
alone or as the member ``Elements`` of an object, or an object such as
``{"1001/15": "ENC-Brussels-01"}``.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opendcim.connector.external_request import ElementId
from opendcim.connector.external_response import Code, RequestFailedError

# Largest registry in bytes; a million elements fit.
LARGEST = 64 << 20

_DMA_ID = ("dmaid", "dataminerid", "dma")
_ELEMENT_ID = ("elementid", "eid")
_BOTH = ("element", "key", "id", "dmaideid")
_NAME = ("name", "elementname")
_SHORT = re.compile(r"\s*(\d{1,10})\s*/\s*(\d{1,10})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Registry:
    """Names by element id. Elements with several names are kept apart: none of them is used."""

    names: Mapping[ElementId, str]
    contradictory: Mapping[ElementId, tuple[str, ...]]


def registry_fault(place: str, text: str) -> RequestFailedError:
    """``place`` is shown to clients, so it must not contain a secret."""
    return RequestFailedError(Code.REGISTRY_UNAVAILABLE, f"element registry {place}: {text}")


def read_registry(content: bytes, place: str) -> Registry:
    """Raises `RequestFailedError` with the place and the line or entry of the first fault."""
    try:
        # Spreadsheet programs write a byte order mark at the beginning of UTF-8.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise registry_fault(place, "it is not in UTF-8; save it as UTF-8") from error
    is_json = text.lstrip()[:1] in {"{", "["}
    entries = _from_json(text, place) if is_json else _from_csv(text, place)
    return _gathered(entries)


def _gathered(entries: Iterable[tuple[ElementId, str]]) -> Registry:
    names: dict[ElementId, str] = {}
    more: dict[ElementId, tuple[str, ...]] = {}
    for element, name in entries:
        known = names.setdefault(element, name)
        # Labels are compared ignoring case: both spellings lead to the same device.
        if known.casefold() != name.casefold():
            more[element] = (*more.get(element, (known,)), name)
    return Registry(names, more)


def _from_csv(text: str, place: str) -> Iterator[tuple[ElementId, str]]:
    head, *_ = text.split("\n", 1)
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if any(isinstance(value, str) and value.strip() for value in row.values()):
                yield _entry(row, f"{place}, line {reader.line_num}")
    except csv.Error as error:
        raise registry_fault(f"{place}, line {reader.line_num}", str(error)) from error


def _from_json(text: str, place: str) -> Iterator[tuple[ElementId, str]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise registry_fault(place, f"it is no JSON: {error}") from error
    if isinstance(content, dict):
        content = next((v for k, v in content.items() if k.casefold() == "elements"), content)
    if isinstance(content, dict):
        content = [{"element": element, "name": name} for element, name in content.items()]
    for number, entry in enumerate(content, start=1):
        if not isinstance(entry, dict):
            raise registry_fault(f"{place}, entry {number}", "it must be an object")
        yield _entry(entry, f"{place}, entry {number}")


def _entry(row: Mapping[Any, Any], place: str) -> tuple[ElementId, str]:
    members = {re.sub(r"[_\-/ ]", "", str(key)).casefold(): value for key, value in row.items()}
    name = _found(members, _NAME)
    if name is None:
        raise registry_fault(place, "there is no Name")
    both = _SHORT.fullmatch(_found(members, _BOTH) or "")
    numbers = both.groups() if both else (_found(members, _DMA_ID), _found(members, _ELEMENT_ID))
    try:
        dma_id, element_id = (int(number or "") for number in numbers)
    except ValueError as error:
        raise registry_fault(
            place, "DmaId and ElementId must be numbers, or Element such as 1001/15"
        ) from error
    return ElementId(dma_id, element_id), name.strip()


def _found(members: Mapping[str, Any], names: Iterable[str]) -> str | None:
    value = next((members[name] for name in names if name in members), None)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)
