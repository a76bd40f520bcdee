"""One ``url`` element to what it says: master data, an entity, a file, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable

from lxml.etree import _Element

from shared.model.entities import Entity, ServiceFile
from shared.model.ids import material_perm_id
from shared.model.kinds import Kind
from shared.model.limits import shortened
from shared.resourcesync.attributes import BLANKS, UnreadableError, moment_of, word
from shared.resourcesync.described import Described, DescribedByElement
from shared.resourcesync.entity_reader import read_entity, read_service_file
from shared.resourcesync.items import ListItem, RecordFault
from shared.resourcesync.master_data_reader import read_master_data
from shared.resourcesync.names import name_of
from shared.resourcesync.terms import MASTER_DATA_PATH

_END = "/M"
_KINDS: dict[str, Kind] = {kind.value: kind for kind in Kind}


def read_entry(url: _Element) -> Iterable[ListItem]:
    """Nothing for the entries by which version 1 names pages of its user interface."""
    parts: dict[str, _Element] = {}
    for child in url:
        parts.setdefault(name_of(child), child)
    loc = _text(parts.get("loc"))
    xd = parts.get("x:xd")
    if loc.endswith(MASTER_DATA_PATH):
        return read_master_data(loc, parts.get("xmd:masterData"))
    if xd is not None or loc.endswith(_END) or not loc:
        return (_read_element(loc, _text(parts.get("lastmod")), xd),)
    return ()


def _read_element(loc: str, lastmod: str, xd: _Element | None) -> ListItem:
    try:
        described = None if xd is None else DescribedByElement(xd)
    except UnreadableError as error:
        kind, perm_id = best_name(loc, None)
        return RecordFault(kind=kind, perm_id=perm_id, reason=shortened(str(error)))
    return read_record(loc, lastmod, described)


def _text(element: _Element | None) -> str:
    return "" if element is None else (element.text or "").strip(BLANKS)


def read_record(loc: str, lastmod: str, xd: Described | None) -> Entity | ServiceFile | RecordFault:
    """What an entry says that is no master data."""
    try:
        return _read(loc, lastmod, xd)
    except UnreadableError as error:
        kind, perm_id = best_name(loc, xd)
        return RecordFault(kind=kind, perm_id=perm_id, reason=shortened(str(error)))


def _read(loc: str, lastmod: str, xd: Described | None) -> Entity | ServiceFile:
    if xd is None:
        raise UnreadableError(f"the entry {loc or 'without loc'} has no x:xd")
    if not loc.endswith(_END):
        raise UnreadableError(f"the loc {loc!r} does not end with {_END}")
    if not lastmod:
        raise UnreadableError(f"the entry {loc} has no lastmod")
    named = xd.attributes.get("kind")
    kind = _KINDS.get((named or "").strip(BLANKS))
    if kind is None:
        raise UnreadableError(f"the kind {named!r} is unknown")
    perm_id = _named_by(loc, kind)
    if not perm_id:
        raise UnreadableError(f"the kind is {kind.value}, but the loc is {loc}")
    modified = moment_of(lastmod, "lastmod")
    if kind is Kind.FILE:
        return read_service_file(xd, modified)
    return read_entity(kind, xd, perm_id, modified)


def _named_by(loc: str, kind: str) -> str:
    """What the ``loc`` has between its kind and its end; nothing if it has another kind."""
    _, found, perm_id = loc.removesuffix(_END).rpartition(f"/{kind}/")
    return perm_id if found and kind else ""


def best_name(loc: str, xd: Described | None) -> tuple[str, str]:
    """Kind and perm id of a record that cannot be read, as far as they can be made out."""
    attributes = {} if xd is None else xd.attributes
    kind = word(attributes, "kind") or ""
    if perm_id := _named_by(loc, kind):
        return kind, _perm_id(kind, perm_id)
    for named in Kind:
        if perm_id := _named_by(loc, named):
            return kind or named.value, _perm_id(named, perm_id)
    return kind, word(attributes, "path") or word(attributes, "code") or loc


def _perm_id(kind: str, in_loc: str) -> str:
    if kind != Kind.MATERIAL:
        return in_loc
    type_code, _, code = in_loc.partition("/")
    return material_perm_id(code, type_code)
