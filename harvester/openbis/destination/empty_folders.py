"""Which folders of AFS data are empty, after the files that stay here have been added."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from shared.model.entities import Entity


def without_filled(entity: Entity) -> Entity:
    """Without folders in which a file stays here, or in whose place."""
    if not entity.empty_folders:
        return entity
    files = {file.path for file in entity.files}
    filled = {above for path in files for above in _folders_above(path)}
    folders = [
        path
        for path in entity.empty_folders
        if path not in filled and files.isdisjoint((path, *_folders_above(path)))
    ]
    return replace(entity, empty_folders=tuple(folders))


def _folders_above(path: str) -> list[str]:
    # The last parent of a relative path is ``.``, the data set itself.
    return list(map(str, PurePosixPath(path).parents))[:-1]
