"""The spaces of an openBIS 7 that ``space-white-list`` and ``space-black-list`` select.

Its lists know no such filters, so the spaces are looked up by its V3 API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import re2

from harvester.openbis.roots import Root
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.source import Source
from shared.errors import ConfigError, SourceError
from shared.resourcesync.roots import RootKind

# Spaces per request.
_PAGE = 500
_CRITERIA = {"@type": "as.dto.space.search.SpaceSearchCriteria", "operator": "AND", "criteria": []}
_FETCH_OPTIONS = "as.dto.space.fetchoptions.SpaceFetchOptions"


def full_match(pattern: str) -> Callable[[str], Any] | None:
    """Match as a data source does; None for patterns that only Java can read."""
    options = re2.Options()
    # RE2 would print its complaint about a pattern by itself, besides our message.
    options.log_errors = False
    try:
        found: Callable[[str], Any] = re2.compile(pattern, options=options).fullmatch
    except re2.error:
        return None
    return found


def space_roots(source: Source, config: SectionConfig) -> tuple[Root, ...]:
    """The selected spaces as roots, by code. Raises `ConfigError` if they cannot be selected, or
    none is."""
    white = _patterns(config, "space-white-list", config.space_white_list)
    black = _patterns(config, "space-black-list", config.space_black_list)
    codes = sorted(
        code
        for code in visible_spaces(source)
        if not any(matches(code) for matches in black)
        and (not white or any(matches(code) for matches in white))
    )
    if not codes:
        raise ConfigError(
            f"[{config.name}] space-white-list, space-black-list: they select none of the spaces "
            f"that user {config.data_source_auth_user} may see at the data source"
        )
    return tuple(Root(RootKind.SPACE, code) for code in codes)


def visible_spaces(source: Source) -> set[str]:
    """The codes of all spaces that the user may see. `SourceError` if they cannot be read."""
    codes: set[str] = set()
    total, position = 1, 0
    while position < total:
        options = {"@type": _FETCH_OPTIONS, "from": position, "count": _PAGE}
        answer = source.ask("searchSpaces", _CRITERIA, options)
        page = list(_codes(answer))
        total = _total(answer)
        codes.update(page)
        position += len(page)
        # If the total promises more than ever comes, the loop would ask for ever.
        if not page:
            break
    if len(codes) != total:  # a space that is left out would count as deleted
        raise SourceError(
            f"searchSpaces: {len(codes)} of {total} spaces were read; they change at the data "
            "source now, so the next run tries it again"
        )
    return codes


def _codes(answer: Any) -> Iterator[str]:
    objects = answer.get("objects") if isinstance(answer, dict) else None
    if not isinstance(objects, list):
        raise SourceError("searchSpaces: the answer has no list of spaces")
    for one in objects:
        code = one.get("code") if isinstance(one, dict) else None
        if not isinstance(code, str) or not code:
            raise SourceError("searchSpaces: a space in the answer has no code")
        yield code


def _total(answer: Any) -> int:
    total = answer.get("totalCount")
    if not isinstance(total, int) or total < 0:
        raise SourceError("searchSpaces: the answer does not say how many spaces there are")
    return total


def _patterns(
    config: SectionConfig, key: str, texts: Sequence[str]
) -> Sequence[Callable[[str], Any]]:
    found = [(text, full_match(text)) for text in texts]
    if bad := [text for text, matches in found if matches is None]:
        raise ConfigError(
            f"[{config.name}] {key}: {bad[0]!r} cannot be used at an openBIS 7, since only Java "
            "can read it; write it without looking ahead or behind and without references"
        )
    return [matches for _, matches in found if matches]
