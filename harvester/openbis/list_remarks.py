"""Peculiarities of a list that are not fatal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection

from harvester.openbis.destination.dangling import dangling
from shared.store.doubles import perm_ids_in_two_kinds

# Remarks of one sort that are written out in the log; the others are only counted.
_NAMED = 20


def remarks_on_list(connection: Connection) -> Iterator[str]:
    """Texts for the operator, about what is in the incoming tables."""
    yield from _first(
        (
            f"the list has the perm id {each.perm_id} for {each.one} and for {each.other}; "
            "both are taken, since they are of different kinds"
            for each in perm_ids_in_two_kinds(connection)
        ),
        "more perm ids stand for entities of two kinds",
    )
    yield from _first(
        (
            f"{one.kind} {one.perm_id} names {one.target} ({one.reference}), which is not in the "
            "list: outside the filter, or not visible"
            for one in dangling(connection)
        ),
        "more references lead out of the list",
    )


def _first(remarks: Iterator[str], the_others: str) -> Iterator[str]:
    yield from islice(remarks, _NAMED)
    if more := sum(1 for _ in remarks):
        yield f"{more} {the_others}"
