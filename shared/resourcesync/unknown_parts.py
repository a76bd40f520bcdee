"""The attribute ``unknown``: parts of a record, or of a whole list, that its source cannot see now.

``<part> <reason>[ <detail>]``, several separated by ``;``. A ``;`` in a detail is written ``%3B``,
and ``%`` is written ``%25``; nothing else is encoded.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.attributes import BLANKS, Attributes, UnreadableError
from shared.resourcesync.escaping import attribute, without_forbidden

ATTRIBUTE = "unknown"
_BETWEEN = ";"
# Parts that belong to the list as a whole, not to one of its records.
_WHOLE_LIST = frozenset({Part.FILE_SERVICE})
_OF_RECORDS = frozenset(Part) - _WHOLE_LIST - {Part.AFS}

_REASONS = frozenset(Reason)


def unknown_attribute(unknown: Iterable[Unknown]) -> str:
    """The attribute with a blank before it. Characters of a detail that XML cannot carry are
    replaced, since details are only for people and no record may fail for them."""
    return attribute(ATTRIBUTE, without_forbidden(_BETWEEN.join(map(_written, unknown))))


def _written(unknown: Unknown) -> str:
    words = f"{unknown.part.value} {unknown.reason.value}"
    if not unknown.detail:
        return words
    return f"{words} {unknown.detail.replace('%', '%25').replace(_BETWEEN, '%3B')}"


def unknown_of_record(attributes: Attributes) -> tuple[Unknown, ...]:
    """The unknown parts of a record. `UnreadableError` if this version does not know one of them,
    and so not what the record leaves out."""
    text = attributes.get(ATTRIBUTE)
    return tuple(_read(text, _OF_RECORDS)) if text else ()


def unknown_of_list(attributes: Attributes) -> tuple[Unknown, ...]:
    """The unknown parts of a whole list; errors as in `unknown_of_record`."""
    text = attributes.get(ATTRIBUTE)
    return tuple(_read(text, _WHOLE_LIST)) if text else ()


def refuse_unknown(attributes: Attributes) -> None:
    """Check a record that has no parts. `UnreadableError` if it claims to leave out a part."""
    if text := attributes.get(ATTRIBUTE):
        raise UnreadableError(f"the attribute {ATTRIBUTE} is {text!r}, but the record has no parts")


def _read(text: str, known: frozenset[Part]) -> Iterable[Unknown]:
    for piece in text.split(_BETWEEN):
        if piece.strip(BLANKS):
            part, _, rest = piece.lstrip(BLANKS).partition(" ")
            reason, _, detail = rest.partition(" ")
            yield _unknown(part, reason, _decoded(detail), known)


def _unknown(part: str, reason: str, detail: str, known: frozenset[Part]) -> Unknown:
    """Reasons are only shown to people, so one that this version does not know becomes OTHER, and
    stands in the detail; but the detail of properties is their codes."""
    if part not in known:
        raise UnreadableError(
            f"the attribute {ATTRIBUTE} names the part {part!r}, not one of "
            f"{', '.join(sorted(known))}; the source may need a newer version here"
        )
    if reason not in _REASONS:
        if part != Part.PROPERTIES:
            detail = f"{reason} {detail}".strip(BLANKS)
        reason = Reason.OTHER
    return Unknown(
        part=Part(part), reason=Reason(reason), detail=detail if detail.strip(BLANKS) else None
    )


def _decoded(detail: str) -> str:
    return detail.replace("%3B", _BETWEEN).replace("%25", "%")
