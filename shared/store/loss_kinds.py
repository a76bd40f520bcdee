"""Kinds of what an update would lose; in plans, counts and the trash they stand beside the kinds of
entities, and are judged like deletions."""

from __future__ import annotations

from enum import StrEnum

from shared.model.kinds import Kind


class Loss(StrEnum):
    """The kind of thing that would lose a part; the perm id is that of the thing."""

    # Files of a data set, or content copies of one that is a link.
    DATA_SET_CONTENT = "DATA_SET_CONTENT"
    PROJECT_ATTACHMENTS = "PROJECT_ATTACHMENTS"
    EXPERIMENT_ATTACHMENTS = "EXPERIMENT_ATTACHMENTS"
    SAMPLE_ATTACHMENTS = "SAMPLE_ATTACHMENTS"
    # What a file of the file service consists of, which is replaced by something else.
    FILE_CONTENT = "FILE_CONTENT"


def planned_kind(name: str) -> Kind | Loss:
    """A kind as it stands in a plan."""
    return Kind(name) if name in _KINDS else Loss(name)


_KINDS = frozenset(Kind)
