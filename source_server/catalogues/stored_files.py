"""Checks whether the files that a store records are in its data store folder. Recorded files that
are missing there count as unknown, not as gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from shared.model.entities import Attachment, Entity
from shared.model.kinds import DataSetKind, Kind
from shared.model.unknown import Part, Reason, Unknown
from shared.store.files import DataStore, data_set_location, folder_name, shares_of
from source_server.publication.unseen import names


class StoredFiles:
    """Looks into the data store folder, once for each data set with files and for each content of
    an attachment. The shares are listed only once."""

    def __init__(self, store: DataStore) -> None:
        self._store = store
        self._shares = _visible_shares(store.root)
        self._is_mounted = any(Path(share, store.uuid).is_dir() for share in self._shares)

    def checked(self, entities: Iterator[Entity], missed: Callable[[], None]) -> Iterator[Entity]:
        """Yield the entities, marked if something is missing; ``missed`` is then called."""
        for entity in entities:
            # Data sets alone have files, and have no attachments: never do both have a mark.
            mark = self._of_files(entity) or self._of_attachments(entity)
            if mark is None:
                yield entity
            else:
                missed()
                yield replace(entity, unknown=(*entity.unknown, mark))

    def reason(self) -> Reason:
        """The reason why the folder of a data set is missing."""
        return Reason.NOT_HARVESTED if self._is_mounted else Reason.NOT_MOUNTED

    def has(self, code: str) -> bool:
        """Whether the folder of a data set exists."""
        try:
            location = data_set_location(self._store.uuid, folder_name(code))
        except ValueError:
            return False
        return any(os.path.isdir(f"{share}/{location}") for share in self._shares)  # noqa: PTH112 - for each data set

    def _of_files(self, entity: Entity) -> Unknown | None:
        if not entity.files or entity.data_set_kind is not DataSetKind.PHYSICAL:
            return None
        if self.has(entity.code):
            return None
        return Unknown(part=Part.FILES, reason=self.reason())

    def _of_attachments(self, entity: Entity) -> Unknown | None:
        lost = [each.file_name for each in entity.attachments if not self._has_all_of(each)]
        if not lost:
            return None
        is_there = (self._store.root / "attachments").is_dir()
        return Unknown(
            part=Part.ATTACHMENTS,
            reason=Reason.NOT_HARVESTED if is_there else Reason.NOT_MOUNTED,
            detail=names("not here", lost),
        )

    def _has_all_of(self, attachment: Attachment) -> bool:
        return all(
            self._store.attachment(version.sha256).is_file()
            for version in attachment.versions
            if version.sha256
        )


def _visible_shares(root: Path) -> list[str]:
    """The shares; none if the store root cannot be read."""
    with suppress(OSError):
        return shares_of(root)
    return []


def state_of(store: DataStore) -> str:
    """A text that changes when a share is mounted or unmounted."""
    found = []
    for share in _visible_shares(store.root):
        try:
            status = os.stat(f"{share}/{store.uuid}")  # noqa: PTH116 - beside its path as text
            found.append((Path(share).name, status.st_dev, status.st_ino))
        except OSError:
            found.append((Path(share).name, 0, 0))
    return repr(found)


# Kinds that have files in a data store folder.
WITH_FILES = frozenset({Kind.DATA_SET, Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE})
