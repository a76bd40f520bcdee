"""Writes the AFS data of a sample or an experiment as a block of their owner (openbis-7-sync.md,
3.3)."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.model.entities import Entity, FileNode
from shared.resourcesync.escaping import attribute
from shared.resourcesync.terms import MD5

_TRASH = ".afs.trash"
_VERSIONS = ".afs.snapshots"
# Working folders of harvesters, at the root of an owner.
_BACKUPS = ".afs-sync-backup-"


def afs_block(afs: Entity) -> str:
    """The block; nothing if the owner has neither files nor empty folders. What openBIS's server
    leaves out is left out here, too: harvesters expect it so."""
    files = [each for each in afs.files if not _path(each.path).startswith(_BACKUPS)]
    folders = [path for path in map(_path, afs.empty_folders) if _is_listed(path)]
    nodes = [_file_node(afs, each) for each in sorted(files, key=lambda each: _path(each.path))]
    nodes += [f"<x:dirNode{attribute('path', f'/{path}')}/>" for path in sorted(folders)]
    return f'<x:binaryData source="afs">{"".join(nodes)}</x:binaryData>' if nodes else ""


def _file_node(afs: Entity, file: FileNode) -> str:
    checksum = file.checksum or ""
    if not checksum.startswith(MD5):
        raise ValueError(f"{afs.code}: the file {file.path!r} has no MD5 checksum")
    return (
        f"<x:fileNode{attribute('path', f'/{_path(file.path)}')}"
        f' length="{file.length}" lastModified="{_time(file.modified or afs.modified)}"'
        f"{attribute('hash', checksum.removeprefix(MD5).lower())}/>"
    )


def _path(path: str) -> str:
    return path.strip("/")


def _is_listed(folder: str) -> bool:
    names = folder.split("/")
    return folder != _TRASH and not folder.startswith(_BACKUPS) and _VERSIONS not in names


def _time(moment: datetime) -> str:
    """``2026-03-05T09:14:07.123Z``, without milliseconds if there are none."""
    moment = moment.astimezone(UTC)
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
