"""Whether the folders of an instance are really there, and not the empty place of a mount.

A folder that holds something of an instance gets a marker. A folder without the marker and without
anything of the instance, of which the database says that files are in it, is not mounted: nothing
may be written there, and nothing in it may be taken for lost. A share may be a mount of its own:
the marker of a data store lists the shares that have held data sets, a line each, and each of
them must still have its folder ``<share>/<UUID>``. Its first line names the database, since two
databases that keep their files in one place would remove each other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, text

from shared.atomic_file import write_atomically
from shared.errors import ConfigError
from shared.store.engine import data_store_uuid, database_name
from shared.store.files import DataStore, shares_of

_PREFIX = ".openbis-sync-"
_DATABASE = "database "

_HAS_DATA_SETS = text("""
SELECT EXISTS (SELECT 1 FROM entity AS e
                JOIN data_set_file AS f ON f.code = e.perm_id
               WHERE e.kind = 'DATA_SET' AND e.data_set_kind = 'PHYSICAL' AND e.source <> '')
""")
_HAS_ATTACHMENTS = text("""
SELECT EXISTS (SELECT 1 FROM attachment AS a
                JOIN entity AS e ON e.kind = a.kind AND e.perm_id = a.perm_id
               WHERE a.sha256 IS NOT NULL AND e.source <> '')
""")
_SERVICE_FILES = text(
    "SELECT path FROM service_file AS f WHERE :every OR f.source = :source LIMIT 100"
)


def marker(folder: Path, uuid: str) -> Path:
    """The file that says that a folder is the one of an instance."""
    return folder / f"{_PREFIX}{uuid}"


def mount_faults(connection: Connection, store: DataStore, source: str | None) -> Iterator[str]:
    """Folders that should hold something for a section, or for any, and hold nothing; or that this
    program must not use."""
    for key, folder, faults in (
        ("storeroot-dir", store.root, _store_faults(connection, store)),
        (
            "file-service-repository-path",
            store.service_root,
            _service_faults(connection, store, source),
        ),
    ):
        try:
            yield from faults
        except PermissionError as error:
            yield (
                f"{key} = {folder}: this program's user may not look into {error.filename}; give "
                f"it the right, or correct {key}"
            )


def _store_faults(connection: Connection, store: DataStore) -> Iterator[str]:
    root, uuid = store.root, data_store_uuid(connection)
    others = _noted(root, uuid, _DATABASE) - {database_name(connection)}
    if others:
        yield _taken(root, marker(root, uuid))
    if not _holds_anything(root, uuid):
        if connection.execute(_HAS_DATA_SETS).scalar_one():
            yield _told("storeroot-dir", root, uuid, "files of data sets")
        elif connection.execute(_HAS_ATTACHMENTS).scalar_one():
            yield _told("storeroot-dir", root, uuid, "attachments")
    missing = _noted_shares(root, uuid) - _shares(root, uuid)
    if missing and connection.execute(_HAS_DATA_SETS).scalar_one():
        for share in sorted(missing, key=int):
            yield _share_told(root, share, uuid)


def _service_faults(connection: Connection, store: DataStore, source: str | None) -> Iterator[str]:
    root, uuid = store.service_root, data_store_uuid(connection)
    known = _service_files(connection, source)
    if known and not marker(root, uuid).exists() and not _has_one_of(store, known):
        yield _told("file-service-repository-path", root, uuid, "files of the file service")


def check_mounted(connection: Connection, store: DataStore, source: str) -> None:
    """Raises `ConfigError` if a folder is not there. Nothing is written."""
    if faults := list(mount_faults(connection, store, source)):
        raise ConfigError(faults)


def mark_folders(connection: Connection, store: DataStore) -> None:
    """Give a marker to each folder that holds something of the instance; that of the data store
    names its shares and the database."""
    uuid = data_store_uuid(connection)
    with suppress(PermissionError):  # a folder in which this section has nothing to write
        if _holds_anything(store.root, uuid):
            _mark(store.root, uuid, database_name(connection))
    with suppress(PermissionError):
        root = store.service_root
        if not marker(root, uuid).exists() and _has_one_of(store, _service_files(connection, None)):
            marker(root, uuid).touch()


def _mark(root: Path, uuid: str, database: str) -> None:
    # A share that is away now keeps its line: without it, nothing would say that it is missing.
    shares = _noted_shares(root, uuid) | _shares(root, uuid)
    lines = [f"{_DATABASE}{database}", *sorted(shares, key=int)]
    content = "".join(f"{line}\n" for line in lines)
    # A write waits for the disk (`write_atomically`), so the same content is not written again.
    if _content(root, uuid) != content:
        write_atomically(marker(root, uuid), content)


def _holds_anything(root: Path, uuid: str) -> bool:
    return (
        marker(root, uuid).exists()
        or bool(_shares(root, uuid))
        or next((root / "attachments").glob("*/*/*"), None) is not None
    )


def _shares(root: Path, uuid: str) -> frozenset[str]:
    """The shares that have a folder of the instance."""
    with suppress(FileNotFoundError, NotADirectoryError):
        shares = map(Path, shares_of(root))
        return frozenset(share.name for share in shares if (share / uuid).is_dir())
    return frozenset()


def _noted_shares(root: Path, uuid: str) -> frozenset[str]:
    return frozenset(filter(str.isdecimal, _noted(root, uuid)))


def _noted(root: Path, uuid: str, prefix: str = "") -> frozenset[str]:
    """What the lines of the marker say after this prefix."""
    lines = _content(root, uuid).splitlines()
    return frozenset(line.removeprefix(prefix) for line in lines if line.startswith(prefix))


def _content(root: Path, uuid: str) -> str:
    try:
        return marker(root, uuid).read_text("ascii", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _service_files(connection: Connection, source: str | None) -> list[str]:
    """Some paths that a section, or any, has brought."""
    values = {"every": source is None, "source": source or ""}
    return list(connection.execute(_SERVICE_FILES, values).scalars())


def _has_one_of(store: DataStore, paths: Iterable[str]) -> bool:
    """What else lies in the place of a mount, such as a note, says nothing."""
    for path in paths:
        with suppress(ValueError):  # it leads out of the folder
            if store.service_entry(path).is_file():
                return True
    return False


def _taken(root: Path, noted: Path) -> str:
    return (
        f"storeroot-dir = {root}: another database keeps its files there, and each would remove "
        "what only the other one knows; give each database a data store of its own. Only if the "
        f"other one is gone for good: remove its line, {_DATABASE}…, from the file {noted}"
    )


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
