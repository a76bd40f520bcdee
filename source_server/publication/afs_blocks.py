"""The AFS data of samples and experiments, for harvesters of openBIS 7.

Such a harvester takes an owner without a block for one without files, and with ``deletion-allowed``
it empties its copy (openbis-7-sync.md, 4). So AFS data that cannot be listed as a whole end the
list with an error.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from shared.blocks import WholeFile
from shared.errors import NotNowError
from shared.model.entities import Entity, FileNode
from shared.model.ids import PermId
from shared.model.unknown import Part
from shared.resourcesync.terms import MD5
from source_server.publication.batches import batches
from source_server.publication.catalogue import Catalogue, Downloadable, Scope, Snapshot

# Owners whose AFS data are looked at together.
_OWNERS = 500

# Owners that an error names.
_SHOWN = 20

# Looks at the files of one owner, if they change meanwhile.
_LOOKS = 3


class _ChangedError(Exception):
    """A file is no longer as it was listed; the message names it."""


class Md5Sums:
    """MD5 checksums of files for which the catalogue has none, computed again only for a file that
    has changed."""

    _MOST = 100_000

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, code: str, path: str, content: Downloadable, length: int) -> str | None:
        """The sum of a file's first bytes, up to the length that a list gives it: it may have grown
        since. None if it has fewer bytes."""
        key = code, path, f"{content.etag} {length}"
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        # Computed without the lock: a large file takes long, and others need not wait for it.
        digest = _md5_of(content, length)
        if digest is None:
            return None
        with self._lock:
            self._known[key] = digest
            while len(self._known) > self._MOST:
                self._known.popitem(last=False)
        return digest


def _md5_of(content: Downloadable, length: int) -> str | None:
    digest = hashlib.md5(usedforsecurity=False)
    blocks = WholeFile(content.path).blocks() if content.path else [content.data or b""]
    for block in blocks:
        digest.update(block[:length])
        length -= min(length, len(block))
        if not length:
            break
    return None if length else digest.hexdigest()


class AfsBlocks:
    """The AFS data of owners within a scope."""

    def __init__(
        self, catalogue: Catalogue, snapshot: Snapshot, scope: Scope, sums: Md5Sums
    ) -> None:
        self._catalogue = catalogue
        self._snapshot = snapshot
        self._scope = scope
        self._sums = sums

    def check(self, owners: Sequence[PermId]) -> None:
        """Raise `NotNowError` if the AFS data of one of them cannot be listed as a whole."""
        unseen = [_told(afs) for batch in batches(owners, _OWNERS) for afs in self._unseen(batch)]
        if unseen:
            raise _not_now(unseen)

    def of(self, owners: Sequence[PermId]) -> dict[PermId, Entity]:
        """The AFS data of each of these owners that has some; each file has an MD5 checksum. Raises
        `NotNowError` as `check` does."""
        found = list(self._afs_of(owners))
        if unseen := [_told(afs) for afs in found if _is_unseen(afs)]:
            raise _not_now(unseen)
        return {afs.perm_id: self._with_sums(afs) for afs in found}

    def _afs_of(self, owners: Sequence[PermId]) -> Iterator[Entity]:
        return self._snapshot.afs_data(sorted(owners), self._scope)

    def _unseen(self, owners: Sequence[PermId]) -> Iterator[Entity]:
        return filter(_is_unseen, self._afs_of(owners))

    def _with_sums(self, afs: Entity) -> Entity:
        """The AFS data as they are listed or, if a file has been removed or shortened since, as
        they are now."""
        for _ in range(_LOOKS):
            try:
                return replace(afs, files=tuple(self._with_sum(afs, file) for file in afs.files))
            except _ChangedError as error:
                changed = str(error)
            now = next(iter(list(self._afs_of([afs.perm_id]))), None)
            if now is None or _is_unseen(now):
                raise _not_now([_told(now or afs)])
            afs = now
        raise NotNowError(
            f"AFS data of {afs.code}: the file {changed!r} is not there as it was a moment ago, so "
            "its checksum is not known; try again later"
        )

    def _with_sum(self, afs: Entity, file: FileNode) -> FileNode:
        if (file.checksum or "").startswith(MD5):
            return file
        content = self._catalogue.data_set_file(afs.code, file.path, self._scope)
        if content is None or content.length < file.length:
            raise _ChangedError(file.path)
        try:
            digest = self._sums.of(afs.code, file.path, content, file.length)
        except FileNotFoundError:
            digest = None
        if digest is None:
            raise _ChangedError(file.path)
        return replace(file, checksum=MD5 + digest)


def _is_unseen(afs: Entity) -> bool:
    return any(each.part is Part.FILES for each in afs.unknown)


def _told(afs: Entity) -> str:
    """The owner with the reasons."""
    reasons = [
        f"{each.reason}: {each.detail}" if each.detail else str(each.reason)
        for each in afs.unknown
        if each.part is Part.FILES
    ]
    return f"{afs.code} ({'; '.join(reasons)})" if reasons else afs.code


def _not_now(owners: Sequence[str]) -> NotNowError:
    shown = ", ".join(owners[:_SHOWN]) + (", ..." if len(owners) > _SHOWN else "")
    return NotNowError(
        f"the AFS data of {len(owners)} samples or experiments cannot be listed now: {shown}. A"
        " harvester of openBIS 7 would take them for deleted, so nothing is sent. Make their files"
        " readable again (unarchive them, mount the disk, rename what has a bad name), or take them"
        " out of the roots"
    )
