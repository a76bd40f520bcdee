"""New files of AFS data that lie where files stay here: one path is a file here and a folder at the
source, or the other way round. They come when what is here goes; all others come now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import pairwise

from sqlalchemy import Connection, delete, select

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.store.incoming_tables import files as listed
from shared.store.tables import data_set_file as stored

_AT_ONCE = 500


def without_clashes(connection: Connection, entity: Entity) -> Entity:
    """The entity without such files, which are removed from the incoming rows."""
    paths = [file.path for file in entity.files]
    if not (entity.is_afs and _any_lies_in_a_file(paths)):
        return entity
    here = _stored(connection, entity.code)
    folders = {above for path in here for above in _above(path)}
    clashing = {
        path
        for path in paths
        if path not in here and (path in folders or not here.isdisjoint(_above(path)))
    }
    _remove(connection, entity.code, sorted(clashing))
    return replace(entity, files=tuple(f for f in entity.files if f.path not in clashing))


def _any_lies_in_a_file(paths: Collection[str]) -> bool:
    places = sorted(f"{path}/" for path in paths)  # the contents of a folder follow it directly
    return any(following.startswith(path) for path, following in pairwise(places))


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _stored(connection: Connection, code: Code) -> set[str]:
    query = select(stored.c.path).where(stored.c.code == code)
    return set(connection.execute(query).scalars())


def _remove(connection: Connection, code: Code, paths: list[str]) -> None:
    for begin in range(0, len(paths), _AT_ONCE):
        some = listed.c.path.in_(paths[begin : begin + _AT_ONCE])
        connection.execute(delete(listed).where(listed.c.code == code, some))
