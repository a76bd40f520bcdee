"""Reads parts of entities: connections, attachments, content copies, with one query each per
page."""

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
from shared.model.limits import EARLIEST, LATEST
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis import queries_parts
from source_server.catalogues.openbis.schema import Dialect
from source_server.catalogues.openbis.texts import is_publishable, publishable_or_none
from source_server.publication.unseen import names

_LOG = logging.getLogger(__name__)

_CONNECTIONS = {
    Kind.SAMPLE: queries_parts.SAMPLE_CONNECTIONS,
    Kind.DATA_SET: queries_parts.DATA_SET_CONNECTIONS,
}


# The times that replace times that no list can carry, see ``epoch`` in `schema`.
_EDGES = frozenset({int(EARLIEST.timestamp()), int(LATEST.timestamp())})


def moment(epoch: int, kind: str, name: str) -> datetime:
    """The time of a column ``epoch``: whole seconds, in UTC. ``kind`` and ``name`` are for the
    warning about a replaced time."""
    if epoch in _EDGES:
        _LOG.warning(
            "%s %s: a timestamp lies beyond what a list can carry and is published as %s; correct"
            " it in openBIS",
            kind,
            name,
            datetime.fromtimestamp(epoch, UTC).isoformat(),
        )
    return datetime.fromtimestamp(epoch, UTC)


def connections(
    connection: Connection, dialect: Dialect, kind: Kind, page: Mapping[str, Any]
) -> tuple[Mapping[int, tuple[Edge, ...]], Mapping[int, int]]:
    """Children, by perm id, then components: of data sets by ordinal, of samples by perm id; and
    the number of links that lead out of the scope."""
    found: defaultdict[int, dict[Relation, list[Edge]]] = defaultdict(lambda: defaultdict(list))
    hidden: defaultdict[int, int] = defaultdict(int)
    for owner, name, target, shown in connection.execute(dialect(_CONNECTIONS[kind]), page):
        if not shown:
            hidden[owner] += 1
            continue
        relation = Relation(name)
        found[owner][relation].append(Edge(relation=relation, to=PermId(target)))
    edges = {
        owner: (*edges[Relation.CHILD], *edges[Relation.COMPONENT])
        for owner, edges in found.items()
    }
    return edges, hidden


def attachments(
    connection: Connection, dialect: Dialect, kind: Kind, page: Mapping[str, Any]
) -> tuple[Mapping[int, tuple[Attachment, ...]], Mapping[int, list[Unknown]]]:
    """All versions of all attachments, by file name in byte order; and marks for faulty ones.

    An attachment whose name XML cannot carry is left out, since a name must not be changed.
    """
    found: defaultdict[int, list[Attachment]] = defaultdict(list)
    bad: defaultdict[int, list[str]] = defaultdict(list)
    lost: defaultdict[int, list[str]] = defaultdict(list)
    rows = connection.execute(dialect(queries_parts.ATTACHMENTS[kind]), page)
    # `groupby` joins neighbours only: the query sorts by owner and file name.
    for (owner, file_name), group in groupby(rows, lambda row: (row.owner, row.file_name)):
        if not is_publishable(file_name):
            bad[owner].append(file_name)
            continue
        versions = tuple(map(_version, group))
        found[owner].append(Attachment(file_name=file_name, versions=versions))
        if any(version.sha256 is None for version in versions):
            lost[owner].append(file_name)
    return {owner: tuple(held) for owner, held in found.items()}, _of_attachments(bad, lost)


def _of_attachments(
    bad: Mapping[int, list[str]], lost: Mapping[int, list[str]]
) -> Mapping[int, list[Unknown]]:
    marks: defaultdict[int, list[Unknown]] = defaultdict(list)
    for reason, what, found in (
        (Reason.BAD_NAME, "cannot be listed", bad),
        (Reason.UNREADABLE, "without content in the database", lost),
    ):
        for owner, file_names in found.items():
            detail = names(what, file_names)
            marks[owner].append(Unknown(part=Part.ATTACHMENTS, reason=reason, detail=detail))
    return marks


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
    """The content copies of LINK data sets, in the order of registration."""
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
