"""Whole entities and service files, as the model can hold them and the wire can carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from hypothesis import strategies as st

from shared.model.entities import (
    Attachment,
    AttachmentVersion,
    Connection,
    ContentCopy,
    Entity,
    FileNode,
    ServiceFile,
)
from shared.model.ids import Code, PermId, identifier, material_perm_id
from shared.model.kinds import ENTITY_KINDS, FACTS, NOT_FROZEN, DataSetKind, Frozen, Kind, Relation
from shared.model.master_data import SYSTEM_USER
from shared.model.properties import PropertyValue
from shared.model.unknown import Part, Reason, Unknown
from tests.properties.texts import (
    codes,
    digests,
    file_times,
    filled_texts,
    moments,
    numbers,
    optional_codes,
    optional_moments,
    optional_texts,
    optional_words,
    ordinals,
    perm_ids,
    texts,
    tuples_of,
)

attachment_versions = st.builds(
    AttachmentVersion,
    version=ordinals,
    title=optional_texts,
    description=optional_texts,
    registrator=optional_words,
    registered=optional_moments,
    length=st.none() | numbers,
    sha256=st.none() | digests,
)


@st.composite
def attachments(draw: st.DrawFn) -> Attachment:
    versions = draw(tuples_of(attachment_versions, lambda each: each.version, least=1))
    in_order = tuple(sorted(versions, key=lambda each: each.version))
    return Attachment(file_name=draw(filled_texts), versions=in_order)


file_nodes = st.builds(
    FileNode,
    path=texts,
    length=numbers,
    crc32=st.none() | st.integers(0, 2**32 - 1),
    checksum=st.none() | digests.map("SHA256:{}".format),
    modified=st.none() | file_times,
)

content_copies = st.builds(
    ContentCopy,
    external_dms=codes,
    external_code=optional_words,
    path=optional_texts,
    git_commit_hash=optional_words,
    git_repository_id=optional_words,
    id=optional_words,
)

_details = filled_texts | st.sampled_from([";", "a;b", "%3B", "100 %25; files archived", " x "])


def unknown_parts(*parts: Part) -> st.SearchStrategy[tuple[Unknown, ...]]:
    """What a record, or a list, says to be unknown."""
    return tuples_of(
        st.builds(
            Unknown,
            part=st.sampled_from(parts),
            reason=st.sampled_from(Reason),
            detail=st.none() | _details,
        )
    )


_OF_LISTS = {Part.FILE_SERVICE, Part.AFS}
_unknown_in_a_record = unknown_parts(*(part for part in Part if part not in _OF_LISTS))

_several = st.lists(texts, min_size=2, max_size=4).map(tuple)
properties: st.SearchStrategy[Mapping[str, PropertyValue]] = st.dictionaries(
    codes, texts | _several, max_size=4
)
_meta_data = st.none() | st.dictionaries(texts, texts, max_size=3)
_IMMUTABLE = "immutable-data-timestamp"


@st.composite
def entities(draw: st.DrawFn, kinds: Sequence[Kind] = ENTITY_KINDS) -> Entity:
    """With all that its kind can have; connections are in the order in which they are written."""
    kind = draw(st.sampled_from(kinds))
    facts = FACTS[kind]
    names = facts.attributes
    code = draw(codes)
    type_code = draw(codes) if facts.has_type else None
    entity = Entity(
        kind=kind,
        perm_id=_perm_id(kind, code, type_code, draw(perm_ids)),
        code=code,
        registered=draw(moments),
        modified=draw(moments),
        registrator=draw(optional_words),
        modifier=draw(optional_words) if "modifier" in names else None,
        type=type_code,
        experiment=draw(_identifiers) if "experiment" in names else None,
        sample=draw(_identifiers) if "sample" in names else None,
        description=draw(optional_texts) if "desc" in names else None,
        frozen=_union(draw(st.sets(st.sampled_from(facts.flags)))) if facts.flags else NOT_FROZEN,
        properties=draw(properties) if facts.has_properties else {},
        connections=_in_order(draw(tuples_of(_connections))) if facts.relations else (),
        attachments=draw(_attachments) if facts.has_attachments else (),
        unknown=draw(st.just(()) | _unknown_in_a_record),
        meta_data=draw(_meta_data) if facts.has_meta_data else None,
        immutable_since=draw(optional_moments) if _IMMUTABLE in names else None,
    )
    return draw(_located(entity)) if kind is not Kind.DATA_SET else draw(_filled(entity))


_identifiers = st.none() | st.lists(codes, min_size=1, max_size=3).map(
    lambda parts: identifier(*parts)
)
_connections = st.builds(Connection, relation=st.sampled_from(Relation), to=perm_ids)
_attachments = tuples_of(attachments(), lambda each: each.file_name)


def _perm_id(kind: Kind, code: Code, type_code: Code | None, other: PermId) -> PermId:
    if kind is Kind.MATERIAL:
        return material_perm_id(code, type_code or "")
    return PermId(code) if FACTS[kind].perm_id_is_code else other


def _union(flags: set[Frozen]) -> Frozen:
    return Frozen(sum(flags))


def _in_order(connections: tuple[Connection, ...]) -> tuple[Connection, ...]:
    return tuple(sorted(connections, key=lambda each: list(Relation).index(each.relation)))


@st.composite
def _located(draw: st.DrawFn, entity: Entity) -> Entity:
    """A sample may be shared, lie in a space, or in a project."""
    space = project = None
    if entity.kind in {Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE}:
        space = draw(optional_codes if entity.kind is Kind.SAMPLE else codes)
    if entity.kind is Kind.EXPERIMENT or (entity.kind is Kind.SAMPLE and space):
        project = draw(codes if entity.kind is Kind.EXPERIMENT else optional_codes)
    return replace(entity, space=space, project=project)


@st.composite
def _filled(draw: st.DrawFn, entity: Entity) -> Entity:
    """With what this kind of data set consists of."""
    kind = draw(st.sampled_from(DataSetKind))
    files = () if kind is DataSetKind.CONTAINER else draw(tuples_of(file_nodes))
    copies = draw(tuples_of(content_copies)) if kind is DataSetKind.LINK else ()
    is_afs = kind is DataSetKind.PHYSICAL and draw(st.booleans())
    folders = draw(st.sets(filled_texts, max_size=2)) if is_afs else ()
    return replace(
        entity,
        data_set_kind=kind,
        files=files,
        content_copies=copies,
        is_afs=is_afs,
        empty_folders=tuple(sorted(folders)),
    )


@st.composite
def service_files(draw: st.DrawFn) -> ServiceFile:
    content = draw(st.binary(max_size=50))
    inline = draw(st.booleans())
    return ServiceFile(
        path=draw(filled_texts),
        modified=draw(moments),
        length=len(content) if inline else draw(numbers),
        sha256=sha256(content).hexdigest(),
        content=content if inline else None,
    )


def as_read_entity(entity: Entity) -> Entity:
    """What the wire makes of it: openBIS never leaves the registrator out."""
    return replace(entity, registrator=entity.registrator or SYSTEM_USER)
