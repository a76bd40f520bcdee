"""AFS data for tests: files of a sample, with times and empty folders."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.file_times import set_file_time
from shared.model.entities import Entity, FileNode
from shared.model.ids import Code, Identifier
from shared.model.kinds import Kind
from shared.model.master_data import EntityType
from tests.support.instances.builders import a_data_set, an_entity_type
from tests.support.instances.instance import Instance

EDITED = datetime(2026, 3, 5, 9, 14, 7, 123_000, UTC)
AFS_TYPE: EntityType = an_entity_type(Kind.DATA_SET, code="AFS_DATA")


def edited(minutes: int = 0) -> datetime:
    """So long after `EDITED`."""
    return EDITED + timedelta(minutes=minutes)


def a_dated_file(
    path: str, content: bytes = b"", minutes: int = 0, *, md5: bool = False
) -> FileNode:
    """What a list says of a file of AFS data; openBIS seldom has checksums of them."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return FileNode(
        path=path,
        length=len(content),
        checksum=f"MD5:{digest}" if md5 else None,
        modified=edited(minutes),
    )


def afs_data(owner: Entity, *files: FileNode, **fields: Any) -> Entity:
    """The AFS data of a sample in space ALPHA."""
    values: dict[str, Any] = {
        "perm_id": owner.perm_id,
        "type": Code("AFS_DATA"),
        "sample": Identifier(f"/ALPHA/{owner.code}"),
        "files": files,
        "is_afs": True,
    }
    return a_data_set(**(values | fields))


def put_afs(
    instance: Instance,
    owner: Entity,
    contents: Mapping[str, tuple[bytes, int]],
    folders: tuple[str, ...] = (),
) -> Entity:
    """Write the files of a sample anew, each dated so many minutes after `EDITED`, and load what a
    list says of them."""
    root = instance.store.data_set_folder(owner.perm_id)
    shutil.rmtree(root, ignore_errors=True)
    nodes = []
    for path, (content, minutes) in sorted(contents.items()):
        instance.put_file(owner.perm_id, path, content)
        set_file_time(root / path, edited(minutes))
        nodes.append(a_dated_file(path, content, minutes))
    for folder in folders:
        (root / folder).mkdir(parents=True)
    found = afs_data(owner, *nodes, empty_folders=folders)
    instance.load(owner, found)
    return found
