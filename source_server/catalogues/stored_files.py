"""Whether the files that a store records lie in its data store folder: what is recorded and does
not lie there is not taken for gone, but said to be unknown."""

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
    """Looks at a data store folder once for each data set that has files, and for each content of
    an attachment; the shares are looked for once."""

    def __init__(self, store: DataStore) -> None:
        self._store = store
        self._shares = _visible_shares(store.root)
        self._is_mounted = any(Path(share, store.uuid).is_dir() for share in self._shares)

    def checked(self, entities: Iterator[Entity], missed: Callable[[], None]) -> Iterator[Entity]:
        """The entities, with marks for what is not here; ``missed`` is called for each of these."""
        for entity in entities:
            mark = self._of_files(entity) or self._of_attachments(entity)
            if mark is None:
                yield entity
            else:
                missed()
                yield replace(entity, unknown=(*entity.unknown, mark))

    def reason(self) -> Reason:
        """Why the folder of a data set is not here."""
        return Reason.NOT_HARVESTED if self._is_mounted else Reason.NOT_MOUNTED

    def has(self, code: str) -> bool:
        """Whether the folder of a data set is here."""
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
    """None if the store root cannot be read."""
    with suppress(OSError):
        return shares_of(root)
    return []


def state_of(store: DataStore) -> str:
    """Changes when a share is mounted or goes away."""
    found = []
    for share in _visible_shares(store.root):
        try:
            status = os.stat(f"{share}/{store.uuid}")  # noqa: PTH116 - beside its path as text
            found.append((Path(share).name, status.st_dev, status.st_ino))
        except OSError:
            found.append((Path(share).name, 0, 0))
    return repr(found)


WITH_FILES = frozenset({Kind.DATA_SET, Kind.PROJECT, Kind.EXPERIMENT, Kind.SAMPLE})
"""Kinds of which something lies in a data store folder."""
