"""Reads the AFS data of a sample or experiment, which openBIS 7 lists in the entry of the owner
(openbis-7-sync.md, 3.3).

They become a data set, see `shared.model.entities.Entity`. Files in the trash and older versions
differ by their paths only, and are files like all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from lxml.etree import _Element

from shared.model.entities import Entity, FileNode
from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind
from shared.resourcesync.attributes import (
    Attributes,
    UnreadableError,
    attributes_of,
    length,
    moment_of,
    needed,
    word,
)
from shared.resourcesync.names import name_of
from shared.resourcesync.timestamps import parse_file_time

# The type of all AFS data. Nothing else has it.
AFS_TYPE = Code("AFS_DATA")
_SOURCE = "afs"
_MD5 = re.compile(r"[0-9a-fA-F]{32}").fullmatch
# Java leaves out seconds that are zero.
_WITHOUT_SECONDS = re.compile(r"T[0-9]{2}:[0-9]{2}(?=Z|[+-]|\Z)")


def take_afs_blocks(url: _Element) -> list[_Element]:
    """The ``x:binaryData`` with AFS data, which are removed from the entry: what stays there is as
    in openBIS 20.10."""
    found = []
    for xd in _named(url, "x:xd"):
        for block in _named(xd, "x:binaryData"):
            if word(attributes_of(block), "source") == _SOURCE:
                xd.remove(block)
                found.append(block)
    return found


def _named(parent: _Element, name: str) -> list[_Element]:
    return [child for child in parent if name_of(child) == name]


def read_afs_data(owner: Entity, blocks: Sequence[_Element]) -> Entity:
    """The data set that holds the files of an owner. Raises `UnreadableError`."""
    files = tuple(_file(element, owner.modified) for element in _members(blocks, "x:fileNode"))
    return Entity(
        kind=Kind.DATA_SET,
        perm_id=owner.perm_id,
        code=Code(owner.perm_id),
        type=AFS_TYPE,
        data_set_kind=DataSetKind.PHYSICAL,
        registered=owner.registered,
        modified=_latest(owner.modified, files),
        registrator=owner.registrator,
        experiment=owner.identifier if owner.kind is Kind.EXPERIMENT else None,
        sample=owner.identifier if owner.kind is Kind.SAMPLE else None,
        files=files,
        is_afs=True,
        empty_folders=tuple(sorted(set(_folders(blocks)))),
    )


def _members(blocks: Sequence[_Element], name: str) -> Iterator[_Element]:
    return (element for block in blocks for element in block if name_of(element) == name)


def _file(element: _Element, otherwise: datetime) -> FileNode:
    """``otherwise`` is its time if the list has none."""
    attributes = attributes_of(element)
    path = _path(attributes, "a file")
    try:
        return FileNode(
            path=path,
            length=length(attributes),
            checksum=_checksum(attributes),
            modified=_modified(attributes) or otherwise,
        )
    except UnreadableError as error:
        raise UnreadableError(f"file {path!r}: {error}") from error


def _path(attributes: Attributes, what: str) -> str:
    """A path that leads out of the data set is kept here, and refused when its file is to be
    written."""
    path = attributes.get("path", "").removeprefix("/")
    if not path:
        raise UnreadableError(f"{what} of its AFS data has no path")
    return path


def _checksum(attributes: Attributes) -> str:
    digest = needed(attributes, "hash")
    if _MD5(digest) is None:
        raise UnreadableError(f"the attribute hash is {digest!r}, which is no MD5")
    return f"MD5:{digest.lower()}"


def _modified(attributes: Attributes) -> datetime | None:
    text = word(attributes, "lastModified")
    if text is None:
        return None
    whole = _WITHOUT_SECONDS.sub(lambda found: f"{found[0]}:00", text)
    return moment_of(whole, "the attribute lastModified", parse_file_time)


def _latest(modified: datetime, files: Sequence[FileNode]) -> datetime:
    """Writing to AFS data does not change their owner."""
    times = (file.modified.replace(microsecond=0) for file in files if file.modified)
    return max((modified, *times))


def _folders(blocks: Sequence[_Element]) -> Iterator[str]:
    for element in _members(blocks, "x:dirNode"):
        yield _path(attributes_of(element), "an empty folder")
