"""Compares ETags with those that a client has."""

from __future__ import annotations

import re

_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


def has_it_already(if_none_match: str | None, tag: str) -> bool:
    """Whether the header contains the ETag, by weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    known = _ENTITY_TAG.findall(if_none_match)
    return if_none_match.strip() == "*" or tag.removeprefix("W/") in known
