"""Which values a property has, if a list may not show all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, select

from shared.model.kinds import Kind
from shared.model.properties import PropertyValue, value_from, values_of
from shared.model.unknown import Unknown
from shared.store import incoming_tables

_AT_ONCE = 500


def unlisted(listed: PropertyValue, stored: PropertyValue) -> list[str]:
    """The stored values that the list lacks, in their order. A value that the list has once is
    taken for one of those that are here."""
    left = Counter(values_of(listed))
    lacking = []
    for value in values_of(stored):
        if left[value]:
            left[value] -= 1
        else:
            lacking.append(value)
    return lacking


def with_kept(listed: PropertyValue, stored: PropertyValue, kept: Collection[str]) -> PropertyValue:
    """The listed values and those of `unlisted` that are among ``kept``.

    These keep their places, unless the others come in another order than they are stored in: then
    they come last.
    """
    left, here = Counter(values_of(listed)), []
    others, together = [], []
    for value in values_of(stored):
        if left[value]:
            left[value] -= 1
            here.append(value)
            together.append(value)
        elif value in kept:
            others.append(value)
            together.append(value)
    in_order = here == list(values_of(listed))
    return value_from(together if in_order else [*values_of(listed), *others])


def kept_under(
    mark: Unknown,
    shown: Mapping[str, PropertyValue],
    stored: Mapping[str, PropertyValue],
    seen: frozenset[str],
) -> dict[str, PropertyValue]:
    """The marked properties to which stored values are added. Of a property that is shown in part,
    a value that is ``seen`` and not shown is gone."""
    if not mark.detail:
        return {code: value for code, value in stored.items() if code not in shown}
    kept = {}
    for code in mark.detail.split():
        value = shown.get(code, ())
        added = set(unlisted(value, stored.get(code, ())))
        if code in shown:
            added -= seen
        if added:
            kept[code] = with_kept(value, stored[code], added)
    return kept


def samples_of_list(connection: Connection, perm_ids: list[str]) -> frozenset[str]:
    """Those that are perm ids of samples of the list."""
    found: set[str] = set()
    column = incoming_tables.entities.c
    for begin in range(0, len(perm_ids), _AT_ONCE):
        query = select(column.perm_id).where(
            column.kind == Kind.SAMPLE.value,
            column.perm_id.in_(perm_ids[begin : begin + _AT_ONCE]),
        )
        found.update(connection.execute(query).scalars())
    return frozenset(found)
