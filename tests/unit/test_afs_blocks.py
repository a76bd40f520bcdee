"""Files of AFS data that change while the list of a harvester of openBIS 7 is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from shared.errors import NotNowError
from shared.model.entities import Entity, FileNode
from shared.model.ids import Code
from source_server.publication.afs_blocks import AfsBlocks, Md5Sums
from source_server.publication.catalogue import Downloadable, Scope
from tests.support.instances.afs import afs_data
from tests.support.instances.builders import a_sample
from tests.support.instances.memory_catalogue import MemoryCatalogue, content_of

OWNER = a_sample(4)
SCOPE = Scope(spaces=frozenset([Code("ALPHA")]))


class States:
    """What an owner has, one state at each look; the last one stays."""

    def __init__(self, *states: Entity) -> None:
        self._states = list(states)

    def __iter__(self) -> Iterator[Entity]:
        return iter([self._states.pop(0) if len(self._states) > 1 else self._states[0]])


def listed(*states: dict[str, int], **contents: bytes) -> dict[str, tuple[int, str | None]]:
    """Lengths and checksums of the owner's files, if these lengths are seen one after the other and
    these contents can be read."""
    looks = (
        afs_data(OWNER, *(FileNode(path=path, length=length) for path, length in state.items()))
        for state in states
    )
    files: dict[tuple[str | int, ...], Downloadable] = {
        (OWNER.perm_id, path): content_of(content) for path, content in contents.items()
    }
    catalogue = MemoryCatalogue(stored=States(*looks), files=files)
    with catalogue.snapshot() as snapshot:
        blocks = AfsBlocks(catalogue, snapshot, SCOPE, Md5Sums())
        found = blocks.of([OWNER.perm_id])[OWNER.perm_id]
    return {file.path: (file.length, file.checksum) for file in found.files}


def md5(content: bytes) -> str:
    return f"MD5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"


def test_of_a_file_that_grows_its_beginning_is_listed() -> None:
    assert listed({"log": 4, "new": 0}, log=b"four and more", new=b"x") == {
        "log": (4, md5(b"four")),
        "new": (0, md5(b"")),
    }


def test_what_is_removed_or_shortened_meanwhile_is_listed_as_it_is_then() -> None:
    before, after = {"gone": 4, "short": 9, "same": 2}, {"short": 1, "same": 2}
    assert listed(before, after, short=b"1", same=b"12") == {
        "short": (1, md5(b"1")),
        "same": (2, md5(b"12")),
    }


def test_a_file_that_is_never_as_it_was_listed_ends_the_list() -> None:
    with pytest.raises(NotNowError, match="the file 'short' is not there as it was"):
        listed({"short": 9}, short=b"1")
