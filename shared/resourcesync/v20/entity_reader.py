"""Reads an ``x:xd`` as an entity or a file of the file service: the hot path of reading."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from shared.model.entities import Connection, Entity, ServiceFile
from shared.model.ids import Code, Identifier, PermId, material_perm_id
from shared.model.kinds import (
    FACTS,
    FLAG_NAMES,
    NOT_FROZEN,
    DataSetKind,
    Frozen,
    Kind,
    Relation,
)
from shared.resourcesync import attributes as values
from shared.resourcesync.attributes import BLANKS, UnreadableError, moment, needed
from shared.resourcesync.unknown_parts import refuse_unknown, unknown_of_record
from shared.resourcesync.v20.content_reader import (
    read_attachments,
    read_content_copies,
    read_file_nodes,
    read_folders,
)
from shared.resourcesync.v20.entry_fields import EntryFields
from shared.resourcesync.v20.terms import AFS_DATA

_RELATIONS: Mapping[str, Relation] = {relation.value: relation for relation in Relation}
_NAMES = {kind: frozenset(facts.attributes) for kind, facts in FACTS.items()}
_FLAGS = {kind: tuple((f, FLAG_NAMES[f]) for f in facts.flags) for kind, facts in FACTS.items()}
_FLAG_NAMES = frozenset(FLAG_NAMES.values())
# Attributes that entities of a kind must have to name their place.
_PLACE: Mapping[Kind, tuple[str, ...]] = {
    Kind.PROJECT: ("space",),
    Kind.EXPERIMENT: ("space", "project"),
}
_WITH_FILES = frozenset({DataSetKind.PHYSICAL, DataSetKind.LINK})
_LINK = frozenset({DataSetKind.LINK})

_IDENTIFIER = re.compile(r"(?:/[^/\s]+){1,3}").fullmatch

_Words = dict[str, str]


def read_service_file(xd: EntryFields, modified: datetime) -> ServiceFile:
    """The original sends the bytes; openbis-sync may send their address, length and checksum."""
    attributes = xd.attributes
    path = values.name_of_file(attributes, "path")
    if path is None:
        raise UnreadableError("the attribute path is missing or blank")
    refuse_unknown(attributes)
    text = xd.text.strip(BLANKS)
    href = values.word(attributes, "href")
    if href and not text:
        digest = values.sha256(attributes)
        if digest is None:
            raise UnreadableError("a file that is not inline has no checksum")
        size = values.length(attributes)
        return ServiceFile(path=path, modified=modified, length=size, sha256=digest, href=href)
    content = _decoded(text)
    return ServiceFile(
        path=path,
        modified=modified,
        length=len(content),
        sha256=sha256(content).hexdigest(),
        content=content,
    )


def read_entity(kind: Kind, xd: EntryFields, perm_id: str, modified: datetime) -> Entity:
    """``perm_id`` is that of the ``loc``; spaces and materials are named by their attributes."""
    facts = FACTS[kind]
    words = _words(kind, xd.attributes)
    code = Code(needed(words, "code"))
    data_set_kind = values.choice(words, "dsKind", DataSetKind) if kind is Kind.DATA_SET else None
    is_afs = words.get("kind") == AFS_DATA
    if is_afs and data_set_kind is not DataSetKind.PHYSICAL:
        raise UnreadableError(f"AFS data are of the kind {data_set_kind}, not PHYSICAL")
    return Entity(
        kind=kind,
        perm_id=_perm_id(kind, perm_id, code, words),
        code=code,
        registered=moment(words, "registration-timestamp") or modified,
        modified=modified,
        registrator=words.get("registrator"),
        modifier=words.get("modifier"),
        type=Code(needed(words, "type")) if facts.has_type else None,
        space=_code(words, "space"),
        project=_code(words, "project"),
        experiment=_identifier(words, "experiment"),
        sample=_identifier(words, "sample"),
        description=xd.attributes["desc"] if "desc" in words else None,
        frozen=_frozen(kind, words),
        properties=xd.properties() if facts.has_properties else {},
        connections=_connections(xd) if facts.relations else (),
        attachments=read_attachments(xd.contents()) if facts.has_attachments else (),
        data_set_kind=data_set_kind,
        files=read_file_nodes(xd.contents(), code) if data_set_kind in _WITH_FILES else (),
        content_copies=read_content_copies(xd.contents()) if data_set_kind in _LINK else (),
        unknown=unknown_of_record(xd.attributes),
        is_afs=is_afs,
        empty_folders=read_folders(xd.contents()) if is_afs else (),
        meta_data=xd.meta_data() if facts.has_meta_data else None,
        immutable_since=moment(words, "immutable-data-timestamp"),
    )


def _words(kind: Kind, attributes: Mapping[str, str]) -> _Words:
    """The attributes that this kind has, trimmed, without blank ones. `UnreadableError` if the
    place of the entity is not among them."""
    allowed = _NAMES[kind]
    words = {
        name: value
        for name, text in attributes.items()
        if name in allowed and (value := text.strip(BLANKS))
    }
    for name in _PLACE.get(kind, ()):
        needed(words, name)
    if kind is Kind.SAMPLE and "project" in words and "space" not in words:
        raise UnreadableError(f"a sample in the project {words['project']} names no space")
    return words


def _perm_id(kind: Kind, in_loc: str, code: Code, words: _Words) -> PermId:
    match kind:
        case Kind.MATERIAL:
            return material_perm_id(code, needed(words, "type"))
        case Kind.SPACE:
            return PermId(code)
        case Kind.DATA_SET if in_loc != code:
            raise UnreadableError(f"the code is {code}, but the loc names {in_loc}")
        case _:
            return PermId(in_loc)


def _code(words: _Words, name: str) -> Code | None:
    value = words.get(name)
    return None if value is None else Code(value)


def _identifier(words: _Words, name: str) -> Identifier | None:
    value = words.get(name)
    if value is None:
        return None
    if _IDENTIFIER(value) is None:
        raise UnreadableError(f"the attribute {name} is {value!r}, no /SPACE/PROJECT/CODE")
    return Identifier(value)


def _frozen(kind: Kind, words: _Words) -> Frozen:
    frozen = NOT_FROZEN
    if _FLAG_NAMES.isdisjoint(words):
        return frozen
    for flag, name in _FLAGS[kind]:
        if name in words and words[name].lower() == "true":
            frozen |= flag
    return frozen


def _connections(xd: EntryFields) -> tuple[Connection, ...]:
    """Connections to data sets are left out, since the data sets repeat them, and so are those of
    unknown types."""
    connections = []
    for to, name in xd.connections():
        if not to or not name:
            raise UnreadableError(f"a connection lacks to or type: to={to!r}, type={name!r}")
        if name in _RELATIONS:
            connections.append(Connection(relation=_RELATIONS[name], to=PermId(to)))
    return tuple(connections)


def _decoded(text: str) -> bytes:
    """Strict Base64, but the ``=`` at the end may be missing, as the original allows."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError(f"the content is no Base64: {error}") from error
