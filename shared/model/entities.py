"""Entities with their properties, links and files, and files of the file service.

References are as on the wire: a project by its code beside the space, experiments and samples by
identifier, connections by perm id. All times are aware, in UTC, and whole seconds on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.ids import Code, Identifier, PermId, home_of, identifier
from shared.model.kinds import NOT_FROZEN, DataSetKind, Frozen, Kind, Relation
from shared.model.properties import PropertyValue
from shared.model.unknown import Unknown
from shared.model.values import value


@value
class Connection:
    """An edge from the entity that has it down to a child or a component."""

    relation: Relation
    to: PermId


@value
class AttachmentVersion:
    """One version of an attachment.

    ``length`` and ``sha256`` (lower-case hex) are None in a list of the original openBIS, which
    does not announce them; ``href`` is the address of the content, if there is one.
    """

    version: int
    title: str | None = None
    description: str | None = None
    registrator: str | None = None
    registered: datetime | None = None
    length: int | None = None
    sha256: str | None = None
    href: str | None = field(default=None, compare=False)


@value
class Attachment:
    """A file name on a project, experiment or sample, with its versions in ascending order."""

    file_name: str
    versions: tuple[AttachmentVersion, ...]

    @property
    def latest(self) -> AttachmentVersion:
        return self.versions[-1]


@value
class FileNode:
    """A file of a data set; ``path`` is relative to the data set's folder, parts split by ``/``.

    ``crc32`` is unsigned; ``checksum`` reads ``SHA256:<hex>`` or ``MD5:<hex>``. ``href`` is a
    percent-encoded URL that serves the file under the list's own credentials; None where the
    list comes from the original openBIS, whose files need a session.
    """

    path: str
    length: int
    crc32: int | None = None
    checksum: str | None = None
    # When its content changed last, at a source that may have no checksum (AFS); else None.
    modified: datetime | None = None
    href: str | None = field(default=None, compare=False)


@value
class ContentCopy:
    """A copy of a LINK data set's content in an external data management system."""

    external_dms: Code
    external_code: str | None = None
    path: str | None = None
    git_commit_hash: str | None = None
    git_repository_id: str | None = None
    id: str | None = None


@value
class Entity:
    """One value serves all kinds; `shared.model.kinds.FACTS` says which fields a kind has.

    ``meta_data`` are names with texts; None if the source does not know of them.
    ``immutable_since``: since when the AFS data of a sample or experiment can no longer change.

    AFS data, the files of a sample or experiment in the application file service of openBIS 7, are
    a PHYSICAL data set with ``is_afs`` whose code is the perm id of the owner. Their paths have no
    ``original/``; their ``empty_folders`` are content, too.
    """

    kind: Kind
    perm_id: PermId
    code: Code
    registered: datetime
    modified: datetime
    registrator: str | None = None
    modifier: str | None = None
    type: Code | None = None
    space: Code | None = None
    project: Code | None = None
    experiment: Identifier | None = None
    sample: Identifier | None = None
    description: str | None = None
    frozen: Frozen = NOT_FROZEN
    properties: Mapping[str, PropertyValue] = field(default_factory=dict)
    connections: tuple[Connection, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    data_set_kind: DataSetKind | None = None
    files: tuple[FileNode, ...] = ()
    content_copies: tuple[ContentCopy, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    meta_data: Mapping[str, str] | None = None
    immutable_since: datetime | None = None
    is_afs: bool = False
    empty_folders: tuple[str, ...] = ()

    @property
    def identifier(self) -> Identifier:
        """Identifier of the entity. For a component it lacks the container, which is not known
        here."""
        match self.kind:
            case Kind.SPACE:
                return identifier(self.code)
            case Kind.PROJECT | Kind.EXPERIMENT | Kind.SAMPLE:
                return identifier(self.space, self.project, self.code)
            case _:
                return Identifier(self.perm_id)

    @property
    def home(self) -> tuple[Code | None, Code | None]:
        """Space and project that decide who may see it; (None, None) is visible to everyone.

        A sample without a project belongs to that of its experiment; a data set to that of its
        experiment, else of its sample.
        """
        match self.kind:
            case Kind.SPACE:
                return self.code, None
            case Kind.PROJECT:
                return self.space, self.code
            case Kind.SAMPLE if self.experiment and not self.project:
                return self.space, home_of(self.experiment)[1]
            case Kind.DATA_SET:
                place = self.experiment or self.sample
                return home_of(place) if place else (None, None)
            case _:
                return self.space, self.project


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFile:
    """A file of the file service: a picture or document pasted into rich text.

    It has either ``content`` (as in the original's lists), or ``href``, with ``length`` and
    ``sha256`` to verify what is fetched.
    """

    path: str
    modified: datetime
    length: int
    sha256: str
    content: bytes | None = None
    href: str | None = field(default=None, compare=False)
