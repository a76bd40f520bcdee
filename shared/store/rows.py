"""Converts entities to rows and back: the only module that knows how values lie in the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from shared.errors import ItemError
from shared.model.entities import (
    AttachmentVersion,
    Connection,
    ContentCopy,
    Entity,
    FileNode,
)
from shared.model.ids import identifier
from shared.model.kinds import Relation
from shared.model.properties import PropertyValue, texts_among
from shared.model.unknown import Part, Reason, Unknown

Row = tuple[Any, ...]

_RELATIONS = {relation.value: relation for relation in Relation}


def milliseconds(time: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return round(time.timestamp() * 1000)


def moment(stored: int) -> datetime:
    """The time of stored milliseconds, in UTC; exact also in the year 1, where a float is not."""
    seconds, rest = divmod(stored, 1000)
    whole = datetime.fromtimestamp(seconds, UTC)
    return whole.replace(microsecond=rest * 1000) if rest else whole


def entity_row(entity: Entity) -> Row:
    """The values of `shared.store.tables.ENTITY_COLUMNS`, in their order.

    Raises `ItemError` for a NUL, which no database takes.
    """
    home_space, home_project = entity.home
    text = properties_text(entity.properties)
    row = (
        entity.kind.value,
        entity.perm_id,
        entity.code,
        entity.identifier,
        entity.type,
        entity.space,
        entity.project,
        entity.experiment,
        entity.sample,
        home_space,
        identifier(home_space, home_project) if home_project else None,
        entity.description,
        entity.registrator,
        entity.modifier,
        milliseconds(entity.registered),
        milliseconds(entity.modified),
        entity.frozen.value,
        text,
        entity.data_set_kind.value if entity.data_set_kind else None,
        content_hash(entity, text),
        unknown_text(entity.unknown),
        meta_data_text(entity),
        milliseconds(entity.immutable_since) if entity.immutable_since else None,
        afs_text(entity),
    )
    if "\0" in (entity.description or "") or ("\\u0000" in text and _has_nul(entity)):
        raise ItemError(entity.kind, entity.perm_id, "a text contains the character U+0000")
    return row


def _has_nul(entity: Entity) -> bool:
    """Whether a JSON text contains a NUL. A NUL appears as ``u0000`` behind a backslash, but so
    does the plain text ``u0000`` behind an escaped backslash."""
    values = texts_among(entity.properties.values())
    return any("\0" in text for text in (*entity.properties, *values))


def properties_text(properties: Mapping[str, PropertyValue]) -> str:
    """The column ``properties``: a JSON object with sorted keys; several values are an array."""
    return _json(properties).decode()


def content_hash(entity: Entity, properties: str) -> bytes:
    """A hash over all that a document shows of an entity, except stamps, frozen flags, attachments,
    meta data and the time of immutable data, which are compared separately; ``properties`` is the
    column's text. The order of components counts; that of children, files and copies does not:
    openBIS does not keep it."""
    children = [c.to for c in entity.connections if c.relation is Relation.CHILD]
    components = [c.to for c in entity.connections if c.relation is Relation.COMPONENT]
    content: Row = (
        *(entity.code, entity.type, entity.space, entity.project, entity.experiment),
        *(entity.sample, entity.description, entity.data_set_kind, properties),
        *(sorted(children), components),
        sorted([_json(_file_fields(file)).decode() for file in entity.files]),
        sorted([_json(_copy_fields(copy)).decode() for copy in entity.content_copies]),
    )
    # What not every entity has is left out where it is not, so that hashes of old rows stay equal.
    if entity.unknown:
        content = (*content, unknown_text(entity.unknown))
    if entity.is_afs:
        content = (*content, "afs", _folders(entity))
    return blake2b(_json(content), digest_size=16).digest()


def meta_data_text(entity: Entity) -> str | None:
    """The column ``meta_data``: a JSON object with sorted keys; None if the source does not know of
    meta data. `ItemError` for a NUL."""
    if not entity.meta_data:
        return None if entity.meta_data is None else "{}"
    if any("\0" in text for pair in entity.meta_data.items() for text in pair):
        raise ItemError(entity.kind, entity.perm_id, "the meta data contain the character U+0000")
    return _json(dict(entity.meta_data)).decode()


def unknown_text(unknown: tuple[Unknown, ...]) -> str | None:
    """The column ``unknown``: a JSON array of [part, reason, detail]; None if all is known."""
    if not unknown:
        return None
    return _json([(each.part, each.reason, each.detail) for each in unknown]).decode()


def to_unknown(text: str | None) -> tuple[Unknown, ...]:
    """The value of the column ``unknown``."""
    if not text:
        return ()
    return tuple(
        Unknown(part=Part(part), reason=Reason(reason), detail=detail)
        for part, reason, detail in orjson.loads(text)
    )


def _json(value: object) -> bytes:
    """Compact JSON with sorted keys: equal values give equal texts."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def afs_text(entity: Entity) -> str | None:
    """The column ``afs``: a sorted JSON array of the empty folders of AFS data; None of others."""
    return _json(_folders(entity)).decode() if entity.is_afs else None


def _folders(entity: Entity) -> list[str]:
    return sorted(set(entity.empty_folders))


def _file_fields(file: FileNode) -> Row:
    fields = (file.path, file.length, file.crc32, file.checksum)
    return fields if file.modified is None else (*fields, milliseconds(file.modified))


def _copy_fields(copy: ContentCopy) -> Row:
    return (
        *(copy.external_dms, copy.external_code, copy.path),
        *(copy.git_commit_hash, copy.git_repository_id, copy.id),
    )


def link_rows(entity: Entity) -> Iterator[Row]:
    """Rows of `link`; an edge that a list repeats is written once."""
    edges = dict.fromkeys((c.relation.value, c.to) for c in entity.connections)
    for ordinal, (relation, to) in enumerate(edges):
        yield entity.kind.value, entity.perm_id, relation, to, ordinal


def file_rows(entity: Entity) -> Iterator[Row]:
    """Rows of `data_set_file`."""
    files = {file.path: file for file in entity.files}
    for file in files.values():
        modified = milliseconds(file.modified) if file.modified else None
        yield entity.code, file.path, file.length, file.crc32, file.checksum, modified


def copy_rows(entity: Entity) -> Iterator[Row]:
    """Rows of `content_copy`."""
    for ordinal, copy in enumerate(entity.content_copies):
        yield entity.code, ordinal, *_copy_fields(copy)


def attachment_rows(entity: Entity) -> Iterator[Row]:
    """Rows of `attachment`, without the column href that only the incoming table has."""
    for attachment in entity.attachments:
        for version in attachment.versions:
            yield (
                *(entity.kind.value, entity.perm_id, attachment.file_name, version.version),
                *(version.title, version.description, version.registrator),
                milliseconds(version.registered) if version.registered else None,
                *(version.length, version.sha256),
            )


def to_connection(relation: str, to: Any) -> Connection:
    return Connection(relation=_RELATIONS[relation], to=to)


def to_file(row: Sequence[Any]) -> FileNode:
    """The value of (path, length, crc32, checksum, modified)."""
    return FileNode(
        path=row[0],
        length=row[1],
        crc32=row[2],
        checksum=row[3],
        modified=None if row[4] is None else moment(row[4]),
    )


def to_copy(row: Sequence[Any]) -> ContentCopy:
    """The value of the columns of `content_copy` after the ordinal."""
    return ContentCopy(
        external_dms=row[0],
        external_code=row[1],
        path=row[2],
        git_commit_hash=row[3],
        git_repository_id=row[4],
        id=row[5],
    )


def to_attachment_version(row: Sequence[Any]) -> AttachmentVersion:
    """The value of the columns of `attachment` from the version on."""
    return AttachmentVersion(
        version=row[0],
        title=row[1],
        description=row[2],
        registrator=row[3],
        registered=None if row[4] is None else moment(row[4]),
        length=row[5],
        sha256=row[6],
    )
