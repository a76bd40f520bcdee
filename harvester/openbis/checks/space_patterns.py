"""Compares ``space-white-list`` and ``space-black-list`` with the spaces in the list."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from harvester.openbis.section import SectionConfig
from harvester.openbis.source.spaces import full_match
from harvester.runs.findings import Finding, doubtful, fine
from shared.settings.faults import nearest

_NAMED = 5


def check_patterns(
    section: SectionConfig, arrived: Collection[str], known: Collection[str]
) -> Iterator[Finding]:
    """``arrived`` are the spaces in the list, which the source has filtered; ``known`` are those
    that were harvested before."""
    for subject, patterns, idle in (
        ("space-white-list", section.space_white_list, _idle_white),
        ("space-black-list", section.space_black_list, _idle_black),
    ):
        told = [text for pattern in patterns if (text := idle(pattern, arrived, known))]
        yield from (doubtful(subject, text) for text in told)
        if patterns and not told:
            yield fine(subject, f"{', '.join(patterns)}: fits the spaces that arrive")


def _idle_white(pattern: str, arrived: Collection[str], known: Collection[str]) -> str | None:
    matches = full_match(pattern)
    if matches is None or any(matches(code) for code in arrived):
        return None
    near = nearest(pattern.upper(), {*arrived, *known})
    hint = f"; did you mean {near}?" if near else ""
    return f"{pattern!r} matches no space that this user may see, or only black-listed ones{hint}"


def _idle_black(pattern: str, arrived: Collection[str], _known: Collection[str]) -> str | None:
    """A black-list pattern that misses a space only by case. What it matches does not arrive, so no
    other mistake can be seen."""
    matches = full_match(f"(?i){pattern}")
    missed = sorted(code for code in arrived if matches and matches(code))
    if not missed:
        return None
    shown = ", ".join(missed[:_NAMED])
    return f"{pattern!r} does not match {shown}, since letter case counts; write it as the code is"
