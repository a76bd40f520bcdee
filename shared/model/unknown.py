"""Parts of a record that its source cannot see now.

The rule of the project: *unknown is not none*. A part that the source cannot show never counts as
deleted. It may be shown incompletely: what is shown counts, the rest stays as it is at the
destination.
"""

from __future__ import annotations

from enum import StrEnum

from shared.model.values import value


class Part(StrEnum):
    """A part of an entity, or, for a whole list, the files of the file service or all AFS data."""

    FILES = "files"
    ATTACHMENTS = "attachments"
    PROPERTIES = "properties"
    CONNECTIONS = "connections"
    CONTENT_COPIES = "content-copies"
    FILE_SERVICE = "file-service"
    # Not on our wire: a list of openBIS 7 says it by naming no application file service.
    AFS = "afs"


class Reason(StrEnum):
    """Why a source cannot show a part."""

    # The data set is archived, or is being archived or unarchived.
    ARCHIVED = "archived"
    # The folder or share of the part does not exist now.
    NOT_MOUNTED = "not-mounted"
    # The path-info database does not know the files yet.
    NOT_FED = "not-fed"
    # A file has a name that the list cannot carry.
    BAD_NAME = "bad-name"
    # The operating system refuses to read it, or a link leads out of the data set.
    UNREADABLE = "unreadable"
    # It names something that the user may not see, or that the space lists exclude.
    OUT_OF_SCOPE = "out-of-scope"
    # The instance is a harvested copy, and the part has not arrived yet.
    NOT_HARVESTED = "not-harvested"
    # The property has several values of this entity. Only sources that cannot list them say so.
    SEVERAL_VALUES = "several-values"
    # A reason that this version does not know, from a newer source.
    OTHER = "other"


@value
class Unknown:
    """One part that cannot be seen now. ``detail`` is for people: which files, which codes."""

    part: Part
    reason: Reason
    detail: str | None = None
