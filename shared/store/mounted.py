"""Whether the folders of an instance are really there, and not the empty place of a mount.

A folder that holds something of an instance gets a marker. A folder without the marker and without
anything of the instance, of which the database says that files are in it, is not mounted: nothing
may be written there, and nothing in it may be taken for lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, text

from shared.errors import ConfigError
from shared.store.engine import data_store_uuid
from shared.store.files import DataStore

_PREFIX = ".openbis-sync-"

_HAS_DATA_SETS = text("""
SELECT EXISTS (SELECT 1 FROM entity AS e
                JOIN data_set_file AS f ON f.code = e.perm_id
               WHERE e.kind = 'DATA_SET' AND e.data_set_kind = 'PHYSICAL' AND e.source <> '')
""")
_HAS_SERVICE_FILES = text(
    "SELECT EXISTS (SELECT 1 FROM service_file AS f WHERE :every OR f.source = :source)"
)


def marker(folder: Path, uuid: str) -> Path:
    """The file that says that a folder is the one of an instance."""
    return folder / f"{_PREFIX}{uuid}"


def mount_faults(connection: Connection, store: DataStore, source: str | None) -> Iterator[str]:
    """Folders that should hold something for a section, or for any, and hold nothing."""
    uuid = data_store_uuid(connection)
    if not _has_data_sets(store.root, uuid) and connection.execute(_HAS_DATA_SETS).scalar_one():
        yield _told("storeroot-dir", store.root, uuid, "files of data sets")
    root = store.service_root
    known = connection.execute(
        _HAS_SERVICE_FILES, {"every": source is None, "source": source or ""}
    ).scalar_one()
    if known and not _has_entries(root) and not marker(root, uuid).exists():
        yield _told("file-service-repository-path", root, uuid, "files of the file service")


def check_mounted(connection: Connection, store: DataStore, source: str) -> None:
    """Raises `ConfigError` if a folder is not there. Nothing is written."""
    if faults := list(mount_faults(connection, store, source)):
        raise ConfigError(faults)


def mark_folders(connection: Connection, store: DataStore) -> None:
    """Give a marker to each folder that holds something of the instance, and has none."""
    uuid = data_store_uuid(connection)
    holding = {
        store.root: _has_data_sets(store.root, uuid),
        store.service_root: _has_entries(store.service_root),
    }
    for folder, holds in holding.items():
        if holds and not marker(folder, uuid).exists():
            with suppress(PermissionError):  # a folder in which this section has nothing to write
                marker(folder, uuid).touch()


def _has_data_sets(root: Path, uuid: str) -> bool:
    if marker(root, uuid).exists():
        return True
    with suppress(FileNotFoundError, NotADirectoryError):
        shares = [path for path in root.iterdir() if path.name.isdecimal()]
        return any((share / uuid).is_dir() for share in shares)
    return False


def _has_entries(folder: Path) -> bool:
    with suppress(FileNotFoundError, NotADirectoryError):
        return any(not path.name.startswith(".") for path in folder.iterdir())
    return False


def _told(key: str, folder: Path, uuid: str, what: str) -> str:
    return (
        f"{key} = {folder}: the database knows {what}, but nothing of them is there; is it not "
        f"mounted? Mount it, or correct {key}. Only if it is lost for good, and to be brought "
        f"again (harvester repair), create the file {marker(folder, uuid)}"
    )
