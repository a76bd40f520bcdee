"""Follows an openBIS database by lists and by changes, for readers who see different parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.model.entities import Entity
from shared.model.ids import Identifier
from shared.model.kinds import ENTITY_KINDS, Kind
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.catalogues.openbis.snapshot import OpenBisSnapshot
from source_server.publication.catalogue import Scope
from source_server.publication.changes import Change, CursorError, Happened
from source_server.publication.service_files import (
    mentions_in,
    texts_of,
    texts_of_master_data,
)

# Kind, perm id, and whether it is AFS data.
Key = tuple[Kind, str, bool]
Entry = tuple[Entity, tuple[str, ...]] | None
Entries = Mapping[Key, Entry]


@dataclass(frozen=True, slots=True)
class Listed:
    """What a snapshot shows to each reader, and its cursor. ``faults``: where the changes since
    earlier lists do not lead to it, or say more than a reader may know."""

    cursor: str
    entries: Mapping[Scope, Entries]
    faults: Sequence[str]


def listed(catalogue: OpenBisCatalogue, *readers: Scope, since: Sequence[Listed] = ()) -> Listed:
    with catalogue.snapshot() as snapshot:
        cursor = snapshot.cursor()
        assert cursor is not None
        entries = {each: _entries(snapshot, each) for each in readers}
        found = [
            f"{scope}: {fault}"
            for before in since
            for scope in readers
            for fault in _faults(
                before.entries[scope],
                list(snapshot.changes(before.cursor, scope)),
                entries[scope],
            )
        ]
    return Listed(cursor, entries, found)


def changes(catalogue: OpenBisCatalogue, since: str, scope: Scope) -> list[Change]:
    with catalogue.snapshot() as snapshot:
        return list(snapshot.changes(since, scope))


def everything_of(catalogue: OpenBisCatalogue) -> Scope:
    with catalogue.snapshot() as snapshot:
        return Scope(spaces=frozenset(snapshot.space_codes()))


def readers_of(catalogue: OpenBisCatalogue) -> tuple[Scope, ...]:
    """One who sees everything, one of a space, one of two projects."""
    everything = everything_of(catalogue)
    with catalogue.snapshot() as snapshot:
        projects = [
            Identifier(f"/{each.space}/{each.code}")
            for each in snapshot.entities(Kind.PROJECT, everything)
        ]
    return (
        everything,
        Scope(spaces=frozenset({min(everything.spaces)})),
        Scope(projects=frozenset(sorted(projects)[:2])),
    )


def can_be_told(catalogue: OpenBisCatalogue, since: str) -> bool:
    try:
        changes(catalogue, since, Scope())
    except CursorError:
        return False
    return True


def _faults(before: Entries, told: list[Change], after: Entries) -> Iterator[str]:
    applied = dict(before)
    named = [(each.kind, str(each.perm_id), each.is_afs) for each in told]
    if len(set(named)) < len(named):
        yield f"named twice: {sorted(named)}"
    if told != sorted(told, key=lambda each: each.at):
        yield "not in the order of their times"
    for key, change in zip(named, told, strict=True):
        if (key in before, key in after) != _PRESENT[change.happened]:
            yield f"{change.happened} but {key in before=}, {key in after=}: {key}"
        if key in after:
            applied[key] = after[key]
        else:
            applied.pop(key, None)
    for key in applied.keys() | after.keys():
        if applied.get(key) != after.get(key):
            yield f"missed: {key}"


_PRESENT = {
    Happened.CREATED: (False, True),
    Happened.UPDATED: (True, True),
    Happened.DELETED: (True, False),
}


def _entries(snapshot: OpenBisSnapshot, scope: Scope) -> Entries:
    found: dict[Key, Entry] = {}
    for kind in ENTITY_KINDS:
        if kind is Kind.MATERIAL:  # they are many, and the same for all readers
            continue
        entities = list(snapshot.entities(kind, scope))
        samples = [each.perm_id for each in entities] if kind is Kind.SAMPLE else []
        data_sets = snapshot.data_set_connections(samples, scope) if samples else {}
        for each in entities:
            key = each.kind, str(each.perm_id), each.is_afs
            found[key] = each, tuple(data_sets.get(each.perm_id, ()))
    return found | {(Kind.FILE, path, False): None for path in _mentioned(snapshot, scope)}


def _mentioned(snapshot: OpenBisSnapshot, scope: Scope) -> Iterator[str]:
    """Files of the file service; those that materials mention are not asked for."""
    yield from mentions_in(texts_of_master_data(snapshot.master_data()))
    for kind in ENTITY_KINDS:
        if kind is not Kind.MATERIAL:
            for entity in snapshot.entities(kind, scope):
                yield from mentions_in(texts_of(entity))
