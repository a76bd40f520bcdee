"""One ``x:xd`` to an entity or a file of the file service: the hot path of reading a list."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from lxml.etree import _Element

from shared.model.entities import Connection, ContentCopy, Entity, ServiceFile
from shared.model.ids import Code, Identifier, PermId, material_perm_id
from shared.model.kinds import (
    FACTS,
    FLAG_NAMES,
    NOT_FROZEN,
    DataSetKind,
    Frozen,
    Kind,
    KindFacts,
    Relation,
)
from shared.resourcesync import attributes as values
from shared.resourcesync.attributes import BLANKS, UnreadableError, moment, needed
from shared.resourcesync.content_reader import (
    read_attachments,
    read_content_copies,
    read_file_nodes,
)
from shared.resourcesync.names import name_of
from shared.resourcesync.terms import X

_RELATIONS: Mapping[str, Relation] = {relation.value: relation for relation in Relation}
_NAMES = {kind: frozenset(facts.attributes) for kind, facts in FACTS.items()}
_FLAGS = {kind: tuple((f, FLAG_NAMES[f]) for f in facts.flags) for kind, facts in FACTS.items()}
_FLAG_NAMES = frozenset(FLAG_NAMES.values())
_PLACE: Mapping[Kind, tuple[str, ...]] = {
    Kind.PROJECT: ("space",),
    Kind.EXPERIMENT: ("space", "project"),
}
"""The attributes by which entities of a kind must say where they lie."""

_PROPERTY_TAGS = [f"{{{X}}}{name}" for name in ("property", "code", "value")]
_CONTENT = "x:binaryData"
_IDENTIFIER = re.compile(r"(?:/[^/\s]+){1,3}").fullmatch

_Words = dict[str, str]
_Blocks = dict[str, list[_Element]]


def read_service_file(xd: _Element, modified: datetime) -> ServiceFile:
    """The original sends the bytes; ours may send where they are, with length and checksum."""
    attributes = values.attributes_of(xd)
    path = values.verbatim(attributes, "path")
    if path is None:
        raise UnreadableError("the attribute path is missing or blank")
    text = (xd.text or "").strip(BLANKS)
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


def read_entity(kind: Kind, xd: _Element, perm_id: str, modified: datetime) -> Entity:
    """``perm_id`` is what the ``loc`` says; spaces and materials are named by their attributes."""
    facts = FACTS[kind]
    words = _words(kind, xd)
    blocks = _blocks(xd)
    code = Code(needed(words, "code"))
    data_set_kind = values.choice(words, "dsKind", DataSetKind) if kind is Kind.DATA_SET else None
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
        description=xd.get("desc") if "desc" in words else None,
        frozen=_frozen(kind, words),
        properties=_properties(blocks, facts),
        connections=_connections(blocks, facts),
        attachments=read_attachments(blocks.get(_CONTENT, ())) if facts.has_attachments else (),
        data_set_kind=data_set_kind,
        files=read_file_nodes(blocks[_CONTENT], code) if _has_files(data_set_kind, blocks) else (),
        content_copies=_content_copies(data_set_kind, blocks),
    )


def _words(kind: Kind, xd: _Element) -> _Words:
    """The attributes that this kind has, trimmed, without blank ones; checked to name its place."""
    allowed = _NAMES[kind]
    words = {
        name: value
        for name, text in values.items_of(xd)
        if name in allowed and (value := text.strip(BLANKS))
    }
    for name in _PLACE.get(kind, ()):
        needed(words, name)
    if kind is Kind.SAMPLE and "project" in words and "space" not in words:
        raise UnreadableError(f"a sample in the project {words['project']} names no space")
    return words


def _blocks(xd: _Element) -> _Blocks:
    """The child elements by name. The original sends each once; more are taken together."""
    blocks: _Blocks = {}
    for child in xd:
        blocks.setdefault(name_of(child), []).append(child)
    return blocks


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


def _properties(blocks: _Blocks, facts: KindFacts) -> dict[str, str]:
    properties: dict[str, str] = {}
    if facts.has_properties:
        for block in blocks.get("x:properties", ()):
            properties.update(_usual_properties(block) or _unusual_properties(block))
    return properties


def _usual_properties(block: _Element) -> dict[str, str] | None:
    """The quick way, for a block that looks as the original writes it; None for another."""
    elements = list(block.iter())
    if [element.tag for element in elements] != _usual_tags(len(elements)):
        return None
    codes = [(element.text or "").strip(BLANKS) for element in elements[2::3]]
    if not all(codes):
        return None
    return dict(zip(codes, [element.text or "" for element in elements[3::3]], strict=True))


@lru_cache(maxsize=256)
def _usual_tags(count: int) -> list[str]:
    return [f"{{{X}}}properties", *_PROPERTY_TAGS * (count // 3)]


def _unusual_properties(block: _Element) -> dict[str, str]:
    return dict(_property(element) for element in block if name_of(element) == "x:property")


def _property(element: _Element) -> tuple[str, str]:
    code = value = None
    for child in element:
        match name_of(child):
            case "x:code":
                code = (child.text or "").strip(BLANKS)
            case "x:value":
                value = child.text or ""
                if len(child):
                    raise UnreadableError(f"the value of property {code} has elements in it")
    if not code:
        raise UnreadableError("a property has no code")
    if value is None:
        raise UnreadableError(f"the property {code} has no value")
    return code, value


def _connections(blocks: _Blocks, facts: KindFacts) -> tuple[Connection, ...]:
    """Those to data sets repeat what the data sets say; of other kinds nothing is known."""
    if not facts.relations:
        return ()
    elements = [element for block in blocks.get("x:connections", ()) for element in block]
    connections = []
    for element in elements:
        if name_of(element) != "x:connection":
            continue
        to = (element.get("to") or "").strip(BLANKS)
        name = (element.get("type") or "").strip(BLANKS)
        if not to or not name:
            raise UnreadableError(f"a connection lacks to or type: to={to!r}, type={name!r}")
        if name in _RELATIONS:
            connections.append(Connection(relation=_RELATIONS[name], to=PermId(to)))
    return tuple(connections)


def _has_files(kind: DataSetKind | None, blocks: _Blocks) -> bool:
    return _CONTENT in blocks and kind in {DataSetKind.PHYSICAL, DataSetKind.LINK}


def _content_copies(kind: DataSetKind | None, blocks: _Blocks) -> tuple[ContentCopy, ...]:
    if kind is not DataSetKind.LINK:
        return ()
    return read_content_copies(blocks.get(_CONTENT, ()))


def _decoded(text: str) -> bytes:
    """Strict Base64, but the ``=`` at the end may be missing, as the original allows."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError(f"the content is no Base64: {error}") from error
