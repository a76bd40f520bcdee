"""Makes texts fit for XML, which has no control characters."""

from __future__ import annotations

import logging
import re

from shared.model.properties import (
    PropertyValue,
    are_texts,
    texts_among,
    value_from,
    values_of,
)

_LOG = logging.getLogger(__name__)

# Characters that are no ``Char`` of XML 1.0, section 2.2.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

REPLACEMENT = "\ufffd"


def publishable(text: str, kind: str, name: str) -> str:
    """The text with U+FFFD for characters that XML forbids, so that one bad value does not break
    the whole list."""
    # `isprintable` is quick and stricter than XML: what it accepts needs no closer look.
    if text.isprintable() or not _FORBIDDEN.search(text):
        return text
    cleaned, count = _FORBIDDEN.subn(REPLACEMENT, text)
    _LOG.warning(
        "%s %s: %d characters that XML forbids are published as U+FFFD; correct them in openBIS",
        kind,
        name,
        count,
    )
    return cleaned


def publishable_or_none(text: str | None, kind: str, name: str) -> str | None:
    return None if text is None else publishable(text, kind, name)


def publishable_values(
    values: dict[str, PropertyValue], kind: str, name: str
) -> dict[str, PropertyValue]:
    """`publishable` for many short texts at once; nearly always there is nothing to replace."""
    texts = values.values()
    if is_publishable("".join(texts if are_texts(texts) else texts_among(texts))):
        return values
    return {
        code: value_from([publishable(text, kind, name) for text in values_of(value)])
        for code, value in values.items()
    }


def is_publishable(text: str) -> bool:
    """Whether XML can carry the text; to be asked for names, which must not be changed."""
    if text.isprintable():
        return True
    return not _FORBIDDEN.search(text)


def can_be_asked_for(value: object) -> bool:
    """Whether PostgreSQL can compare with this text: it refuses NUL and invalid Unicode, so that no
    stored text has them."""
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
