"""What hangs on entities: connections, attachments, content copies; one query each per page."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row

from shared.model.entities import Attachment, AttachmentVersion, ContentCopy
from shared.model.entities import Connection as Edge
from shared.model.ids import Code, PermId
from shared.model.kinds import Kind, Relation
from source_server.openbis import queries_parts
from source_server.openbis.schema import Dialect
from source_server.openbis.texts import publishable, publishable_or_none

_LOG = logging.getLogger(__name__)

_CONNECTIONS = {
    Kind.SAMPLE: queries_parts.SAMPLE_CONNECTIONS,
    Kind.DATA_SET: queries_parts.DATA_SET_CONNECTIONS,
}


_EDGES = frozenset({-62_135_596_800, 253_402_300_799})
"""The first and the last second of the years 1 to 9999, see ``epoch`` in `schema`."""


def moment(epoch: int, kind: str, name: str) -> datetime:
    """The time of a column ``epoch``: whole seconds, in UTC. ``kind`` and ``name`` are for the
    warning about a time that no list can carry."""
    if epoch in _EDGES:
        _LOG.warning(
            "%s %s: a timestamp lies outside of the years 1 to 9999 and is published as %s; correct"
            " it in openBIS",
            kind,
            name,
            datetime.fromtimestamp(epoch, UTC).isoformat(),
        )
    return datetime.fromtimestamp(epoch, UTC)


def connections(
    connection: Connection, dialect: Dialect, kind: Kind, page: Mapping[str, Any]
) -> Mapping[int, tuple[Edge, ...]]:
    """Children, by perm id, then components: of data sets by ordinal, of samples by perm id."""
    found: defaultdict[int, dict[Relation, list[Edge]]] = defaultdict(lambda: defaultdict(list))
    for owner, name, target in connection.execute(dialect(_CONNECTIONS[kind]), page):
        relation = Relation(name)
        found[owner][relation].append(Edge(relation=relation, to=PermId(target)))
    return {
        owner: (*edges[Relation.CHILD], *edges[Relation.COMPONENT])
        for owner, edges in found.items()
    }


def attachments(
    connection: Connection, dialect: Dialect, kind: Kind, page: Mapping[str, Any]
) -> Mapping[int, tuple[Attachment, ...]]:
    """All versions of all attachments, by file name in byte order."""
    found: defaultdict[int, list[Attachment]] = defaultdict(list)
    rows = connection.execute(dialect(queries_parts.ATTACHMENTS[kind]), page)
    for (owner, file_name), versions in groupby(rows, lambda row: (row.owner, row.file_name)):
        found[owner].append(
            Attachment(
                file_name=publishable(file_name, "Attachment", file_name),
                versions=tuple(map(_version, versions)),
            )
        )
    return {owner: tuple(held) for owner, held in found.items()}


def _version(row: Row[Any]) -> AttachmentVersion:
    return AttachmentVersion(
        version=row.version,
        title=publishable_or_none(row.title, "Attachment", row.file_name),
        description=publishable_or_none(row.description, "Attachment", row.file_name),
        registrator=row.registrator,
        registered=moment(row.registered, "Attachment", row.file_name),
        length=row.length,
        sha256=row.sha256,
    )


def content_copies(
    connection: Connection, dialect: Dialect, page: Mapping[str, Any]
) -> Mapping[int, tuple[ContentCopy, ...]]:
    """Where LINK data sets keep their content, in the order of registration."""
    found: defaultdict[int, list[ContentCopy]] = defaultdict(list)
    for row in connection.execute(dialect(queries_parts.CONTENT_COPIES), page):
        found[row.owner].append(
            ContentCopy(
                external_dms=Code(row.external_dms),
                external_code=publishable_or_none(row.external_code, "Content copy", row.id),
                path=publishable_or_none(row.path, "Content copy", row.id),
                git_commit_hash=row.git_commit_hash,
                git_repository_id=row.git_repository_id,
                id=row.id,
            )
        )
    return {owner: tuple(copies) for owner, copies in found.items()}
