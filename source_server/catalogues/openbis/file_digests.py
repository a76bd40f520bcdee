"""Numbers that change when what a list shows of the files of a data set does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from shared.model.entities import Entity, FileNode
from shared.model.unknown import Part, Unknown


def digest_of(files: Iterable[FileNode], unknown: Iterable[Unknown], *others: object) -> int:
    """``unknown``: the marks of a data set; those of other parts than its files do not count."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        digest.update(
            f"{file.path}\n{file.length} {file.crc32} {file.checksum} {file.modified}\n".encode(
                errors="surrogatepass"
            )
        )
    marks = [repr(mark) for mark in unknown if mark.part is Part.FILES]
    digest.update(repr((marks, others)).encode(errors="surrogatepass"))
    return _number(digest.digest())


def digest_of_entity(entity: Entity) -> int:
    """The digest of a data set that stands in a list. AFS data have the time of the last change of
    their files."""
    if not entity.is_afs:
        return digest_of(entity.files, entity.unknown)
    return digest_of(entity.files, entity.unknown, entity.empty_folders, entity.modified)


def digest_without_files(entity: Entity) -> int:
    """The digest of all that stands in a list but what `digest_of_entity` covers."""
    others = [mark for mark in entity.unknown if mark.part is not Part.FILES]
    rest = replace(
        *(entity,),
        files=(),
        empty_folders=(),
        unknown=tuple(others),
        modified=entity.registered,
    )
    return _number(hashlib.blake2b(repr(rest).encode(), digest_size=8).digest())


def _number(digest: bytes) -> int:
    return int.from_bytes(digest, "big", signed=True)
