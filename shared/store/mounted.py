"""Whether the folders of an instance are really there, and not the empty place of a mount.

A folder that holds something of an instance gets a marker. A folder without the marker and without
anything of the instance, of which the database says that files are in it, is not mounted: nothing
may be written there, and nothing in it may be taken for lost. A share may be a mount of its own:
the marker of a data store lists the shares that have held data sets, a line each, and each of
them must still have its folder ``<share>/<UUID>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, text

from shared.atomic_file import write_atomically
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
    if connection.execute(_HAS_DATA_SETS).scalar_one():
        if not _has_data_sets(store.root, uuid):
            yield _told("storeroot-dir", store.root, uuid, "files of data sets")
        for share in sorted(_noted_shares(store.root, uuid) - _shares(store.root, uuid)):
            yield _share_told(store.root, share, uuid)
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
    """Give a marker to each folder that holds something of the instance, and note its shares."""
    uuid = data_store_uuid(connection)
    with suppress(PermissionError):  # a folder in which this section has nothing to write
        if _has_data_sets(store.root, uuid):
            _mark(store.root, uuid)
    with suppress(PermissionError):
        if _has_entries(store.service_root) and not marker(store.service_root, uuid).exists():
            marker(store.service_root, uuid).touch()


def _mark(root: Path, uuid: str) -> None:
    noted = _noted_shares(root, uuid)
    shares = noted | _shares(root, uuid)
    if shares != noted or not marker(root, uuid).exists():
        lines = "".join(f"{share}\n" for share in sorted(shares, key=int))
        write_atomically(marker(root, uuid), lines)


def _has_data_sets(root: Path, uuid: str) -> bool:
    return marker(root, uuid).exists() or bool(_shares(root, uuid))


def _shares(root: Path, uuid: str) -> frozenset[str]:
    """The shares that have a folder of the instance."""
    with suppress(FileNotFoundError, NotADirectoryError):
        shares = (path for path in root.iterdir() if path.name.isdecimal())
        return frozenset(share.name for share in shares if (share / uuid).is_dir())
    return frozenset()


def _noted_shares(root: Path, uuid: str) -> frozenset[str]:
    try:
        lines = marker(root, uuid).read_text("ascii", "replace").split()
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    return frozenset(filter(str.isdecimal, lines))


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


def _share_told(root: Path, share: str, uuid: str) -> str:
    return (
        f"storeroot-dir = {root}: share {share} has held data sets, but its folder {share}/{uuid} "
        "is not there; is the share not mounted? Mount it. Only if it is gone for good: remove "
        f"the line {share} from the file {marker(root, uuid)}, and let harvester repair bring "
        "again what is missing"
    )
