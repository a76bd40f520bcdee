"""Describes the parts that a source cannot show."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.unknown import Part, Reason

_WHOLE_LIST = {
    Part.FILE_SERVICE: "the files of the file service",
    Part.AFS: "the files of samples and experiments in the application file service (AFS)",
}
_NOUNS = {
    Part.FILES: "the files of {} data sets",
    Part.ATTACHMENTS: "attachments of {} items",
    Part.PROPERTIES: "property values of {} items",
    Part.CONNECTIONS: "connections of {} items",
    Part.CONTENT_COPIES: "content copies of {} data sets",
}
_WORDS = {
    Reason.ARCHIVED: "archived",
    Reason.NOT_MOUNTED: "a folder or share is not there",
    Reason.NOT_FED: "the path-info database does not know them yet",
    Reason.BAD_NAME: "a file has a name that the list cannot carry",
    Reason.UNREADABLE: "they cannot be read",
    Reason.OUT_OF_SCOPE: "the user may not see them",
    Reason.NOT_HARVESTED: "they have not arrived there yet",
    Reason.SEVERAL_VALUES: "the properties have several values",
    Reason.OTHER: "for a reason that this version does not know",
}


def described(counts: Mapping[tuple[Part, Reason], int]) -> str:
    """``the files of 3 data sets (archived), attachments of 2 items (they cannot be read)``."""
    return ", ".join(
        f"{_noun(part, number)} ({_why(part, reason)})"
        for (part, reason), number in sorted(counts.items())
    )


def waiting_files(counts: Mapping[tuple[Part, Reason], int]) -> str | None:
    """A sentence on data sets whose files never came; None if there are none."""
    reasons = {r: n for (part, r), n in sorted(counts.items()) if part is Part.FILES}
    if not reasons:
        return None
    shown = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
    return f"{sum(reasons.values())} data sets wait for their files ({shown})"


def _why(part: Part, reason: Reason) -> str:
    return "the list names no such service" if part is Part.AFS else _WORDS[reason]


def _noun(part: Part, number: int) -> str:
    return _WHOLE_LIST.get(part) or _NOUNS[part].format(number)
