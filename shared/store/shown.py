"""Builds entities from rows: the columns to read, and the values made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.model.entities import Attachment, Connection, ContentCopy, Entity, FileNode
from shared.model.kinds import NOT_FROZEN, DataSetKind, Frozen, Kind
from shared.model.properties import JsonProperties
from shared.store import tables
from shared.store.rows import moment, to_unknown

# Columns for `entities`; experiment and sample follow, if they may be shown.
COLUMNS = tuple(
    tables.entity.c[name]
    for name in (
        *("perm_id", "code", "type", "space", "project", "description", "registrator"),
        *("modifier", "registered", "modified", "frozen", "properties", "data_set_kind"),
        *("unknown", "meta_data", "immutable_since", "afs"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """Rows of other tables that belong to the entities of a batch, by perm id."""

    connections: Mapping[str, Sequence[Connection]] = field(default_factory=dict)
    attachments: Mapping[str, tuple[Attachment, ...]] = field(default_factory=dict)
    files: Mapping[str, Sequence[FileNode]] = field(default_factory=dict)
    content_copies: Mapping[str, Sequence[ContentCopy]] = field(default_factory=dict)


def entities(kind: Kind, batch: Sequence[Sequence[Any]], hanging: Hanging) -> Iterator[Entity]:
    """The entities of some rows."""
    for row in batch:
        key = row[0]
        yield Entity(
            kind=kind,
            perm_id=key,
            code=row[1],
            type=row[2],
            space=row[3],
            project=row[4],
            description=row[5],
            registrator=row[6],
            modifier=row[7],
            registered=moment(row[8]),
            modified=moment(row[9]),
            frozen=Frozen(row[10]) if row[10] else NOT_FROZEN,
            properties=JsonProperties(row[11]),
            data_set_kind=DataSetKind(row[12]) if row[12] else None,
            experiment=row[17],
            sample=row[18],
            connections=tuple(hanging.connections.get(key, ())),
            attachments=hanging.attachments.get(key, ()),
            files=tuple(hanging.files.get(key, ())),
            content_copies=tuple(hanging.content_copies.get(key, ())),
            unknown=to_unknown(row[13]) if row[13] else (),
            meta_data=orjson.loads(row[14]) if row[14] else None,
            immutable_since=moment(row[15]) if row[15] is not None else None,
            is_afs=row[16] is not None,
            empty_folders=tuple(orjson.loads(row[16])) if row[16] else (),
        )
