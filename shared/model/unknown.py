"""Parts of a record that its source cannot see now.

The rule of the whole project: *unknown is not none*. What a source cannot show is never taken for
deleted. A part that is marked as unknown may still be shown in part: what is shown counts, what is
not shown stays as it is at the destination.
"""

from __future__ import annotations

from enum import StrEnum

from shared.model.values import value


class Part(StrEnum):
    """A part of an entity, or, for a whole list, the files of the file service."""

    FILES = "files"
    ATTACHMENTS = "attachments"
    PROPERTIES = "properties"
    CONNECTIONS = "connections"
    CONTENT_COPIES = "content-copies"
    FILE_SERVICE = "file-service"


class Reason(StrEnum):
    """Why a source cannot show a part."""

    ARCHIVED = "archived"
    """The data set is archived, or is being archived or unarchived."""
    NOT_MOUNTED = "not-mounted"
    """A folder or share in which the part should lie is not there."""
    NOT_FED = "not-fed"
    """The path-info database does not know the files yet."""
    BAD_NAME = "bad-name"
    """A file has a name that the list cannot carry."""
    UNREADABLE = "unreadable"
    """The operating system refuses to read it, or a link leads out of the data set."""
    OUT_OF_SCOPE = "out-of-scope"
    """It leads to something that the user may not see, or that the space lists leave out."""
    NOT_HARVESTED = "not-harvested"
    """The instance is a harvested copy, and the part has not arrived there yet."""
    SEVERAL_VALUES = "several-values"
    """The property has several values of this entity, which this version cannot list."""
    OTHER = "other"
    """A reason that this version does not know: written by a newer source."""


@value
class Unknown:
    """One part that cannot be seen now. ``detail`` is for people: which files, which codes."""

    part: Part
    reason: Reason
    detail: str | None = None
