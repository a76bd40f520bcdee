"""Reads one ``url`` element: master data, an entity, a file, or a record that is faulty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml.etree import _Element

from shared.model.entities import Entity, ServiceFile
from shared.model.ids import material_perm_id
from shared.model.kinds import Kind
from shared.model.limits import shortened
from shared.resourcesync.attributes import BLANKS, UnreadableError, moment_of, word
from shared.resourcesync.items import ListItem, RecordFault
from shared.resourcesync.names import name_of
from shared.resourcesync.terms import RS, SITEMAP, X
from shared.resourcesync.v20.entity_reader import read_entity, read_service_file
from shared.resourcesync.v20.entry_fields import EntryFields, FieldsOfElement
from shared.resourcesync.v20.master_data_reader import read_master_data
from shared.resourcesync.v20.plain_entry import read_plain_entry
from shared.resourcesync.v20.terms import AFS_DATA, MASTER_DATA_PATH

_END = "/M"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenbisEntryReader:
    """A `shared.resourcesync.wire_format.EntryReader`.

    The functions read what an entry holds, which differs between versions of openBIS; names, times
    and faults of entries do not. ``kinds`` are the kinds that a version has, by their names.
    """

    kinds: Mapping[str, Kind]
    entity: Callable[[Kind, EntryFields, str, datetime], Entity]
    service_file: Callable[[EntryFields, datetime], ServiceFile]
    master_data: Callable[[str, _Element | None], Iterator[ListItem]]
    namespaces: tuple[str, ...] = (f'xmlns="{SITEMAP}"', f'xmlns:rs="{RS}"', f'xmlns:x="{X}"')

    def plain(self, entry: bytes) -> Entity | ServiceFile | RecordFault | None:
        """The record of an entry in the usual form; None if the parser must read it."""
        found = read_plain_entry(entry)
        return None if found is None else self._record(*found)

    def parsed(self, url: _Element) -> Iterable[ListItem]:
        """The items of the entry. Entries by which version 1 names pages of its user interface have
        none."""
        parts: dict[str, _Element] = {}
        for child in url:
            parts.setdefault(name_of(child), child)
        loc = _text(parts.get("loc"))
        xd = parts.get("x:xd")
        if loc.endswith(MASTER_DATA_PATH):
            return self.master_data(loc, parts.get("xmd:masterData"))
        if xd is not None or loc.endswith(_END) or not loc:
            return (self._parsed_record(loc, _text(parts.get("lastmod")), xd),)
        return ()

    def named(self, loc: str) -> tuple[str, str]:
        """Kind and perm id by the ``loc`` alone; the kind is empty if it names no record."""
        return ("", loc) if loc.endswith(MASTER_DATA_PATH) else _best_name(loc, None)

    def _parsed_record(self, loc: str, lastmod: str, xd: _Element | None) -> ListItem:
        try:
            fields = None if xd is None else FieldsOfElement(xd)
        except UnreadableError as error:
            return _fault(loc, None, error)
        return self._record(loc, lastmod, fields)

    def _record(
        self, loc: str, lastmod: str, fields: EntryFields | None
    ) -> Entity | ServiceFile | RecordFault:
        try:
            return self._read(loc, lastmod, fields)
        except UnreadableError as error:
            return _fault(loc, fields, error)

    def _read(self, loc: str, lastmod: str, fields: EntryFields | None) -> Entity | ServiceFile:
        if fields is None:
            raise UnreadableError(f"the entry {loc or 'without loc'} has no x:xd")
        if not loc.endswith(_END):
            raise UnreadableError(f"the loc {loc!r} does not end with {_END}")
        if not lastmod:
            raise UnreadableError(f"the entry {loc} has no lastmod")
        named = fields.attributes.get("kind")
        name = (named or "").strip(BLANKS)
        kind = self.kinds.get(name)
        if kind is None:
            raise UnreadableError(f"the kind {named!r} is unknown")
        perm_id = _named_by(loc, name)
        if not perm_id:
            raise UnreadableError(f"the kind is {name}, but the loc is {loc}")
        modified = moment_of(lastmod, "lastmod")
        if kind is Kind.FILE:
            return self.service_file(fields, modified)
        return self.entity(kind, fields, perm_id, modified)


READER = OpenbisEntryReader(
    kinds={**{kind.value: kind for kind in Kind}, AFS_DATA: Kind.DATA_SET},
    entity=read_entity,
    service_file=read_service_file,
    master_data=read_master_data,
)


def _text(element: _Element | None) -> str:
    return "" if element is None else (element.text or "").strip(BLANKS)


def _fault(loc: str, fields: EntryFields | None, error: UnreadableError) -> RecordFault:
    kind, perm_id = _best_name(loc, fields)
    return RecordFault(kind=kind, perm_id=perm_id, reason=shortened(str(error)))


def _named_by(loc: str, kind: str) -> str:
    """The text of ``loc`` between its kind and its end; nothing if it has another kind."""
    _, found, perm_id = loc.removesuffix(_END).rpartition(f"/{kind}/")
    return perm_id if found and kind else ""


def _best_name(loc: str, fields: EntryFields | None) -> tuple[str, str]:
    """Kind and perm id of a record that cannot be read, as far as they can be made out."""
    attributes = {} if fields is None else fields.attributes
    name = word(attributes, "kind") or ""
    kind = _kind_called(name)
    if perm_id := _named_by(loc, name):
        return kind, _perm_id(kind, perm_id)
    for named in (*Kind, AFS_DATA):
        if perm_id := _named_by(loc, named):
            return kind or _kind_called(named), _perm_id(named, perm_id)
    return kind, word(attributes, "path") or word(attributes, "code") or loc


def _kind_called(name: str) -> str:
    """AFS data are stored as data sets, so their faults keep a data set from being deleted."""
    return Kind.DATA_SET.value if name == AFS_DATA else str(name)


def _perm_id(kind: str, in_loc: str) -> str:
    if kind != Kind.MATERIAL:
        return in_loc
    type_code, _, code = in_loc.partition("/")
    return material_perm_id(code, type_code)
