"""The data store folder, in openBIS's own layout.

A data set lies in ``<store root>/1/<uuid>/aa/bb/cc/<code>``, where aabbcc are the first hex digits
of the MD5 of its code. Contents of attachments lie beside it, named by their SHA-256, in
``<store root>/attachments/aa/bb/``; openBIS itself takes only folders named by digits for shares.
What was deleted together lies in ``<store root>/trash/<deletion>/``: data sets as folders named by
their codes, files of the file service in ``files``. What was found spoiled in its place lies in
``<store root>/set-aside/<run>/``.

New content is written aside on the same file system, synced and renamed; so at any moment a name
leads either to the whole old content or to the whole new one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.atomic_file import sync_folder
from shared.errors import ConfigError
from shared.paths import confine, safe_relative_path

SHARE = "1"
"""The share into which data sets are put; what lies in others is found too."""

_SERVICE_FILES = "files"
"""The folder within a deletion's folder in the trash."""
_OLD = ".replaced"
"""Ends the name of a data set aside that is just being replaced; new ones end with 32 digits."""
ASIDE = re.compile(r"(.+)\.[0-9a-f]{32}")
"""The name of a folder aside; the group is the code of its data set."""
_NOT_IN_CODES = re.compile("[\\\\\x00-\x1f\x7f-\x9f]")
"""openBIS has no such codes; a code stands in a line of its own where operators read it."""
_LONGEST_CODE = 200
"""Bytes; a name aside is longer, and file systems take 255."""


@dataclass(frozen=True, slots=True)
class DataStore:
    """The folders of an instance: data sets, attachments, file service, and where to work aside.

    ``temporary`` must lie on the file system of ``root``; that of the file-service files is used
    for those, in a hidden folder of its own.
    """

    root: Path
    uuid: str
    service_root: Path
    temporary: Path

    def data_set_folder(self, code: str) -> Path:
        """Where a data set lies; in whichever share it is, else where it would be put. Raises
        ValueError for a code that cannot be the name of a folder."""
        location = data_set_location(self.uuid, folder_name(code))
        with suppress(FileNotFoundError, PermissionError, NotADirectoryError):
            for share in shares_of(self.root):
                if (found := Path(share, location)).is_dir():
                    return found
        return self.root / SHARE / location

    def data_set_file(self, code: str, path: str) -> Path:
        """A file of a data set. Raises ValueError if the path leads out of the data set."""
        return confine(self.data_set_folder(code), safe_relative_path(path))

    def attachment(self, sha256: str) -> Path:
        """Where the content of an attachment lies."""
        return self.root / "attachments" / sha256[:2] / sha256[2:4] / sha256

    def service_entry(self, path: str) -> Path:
        """What stands there under the name of a file of the file service, be it a link. Raises
        ValueError if its folder leads out of the file service's."""
        relative = safe_relative_path(path)
        return confine(self.service_root, relative.parent) / relative.name

    def service_file(self, path: str) -> Path:
        """A file of the file service. Raises ValueError if the path leads out of its folder."""
        return confine(self.service_root, safe_relative_path(path))

    def set_aside(self, run: str) -> Path:
        """What one run found in places of others, and not what is to be there; for people to look
        at, since nothing here removes it."""
        return self.root / "set-aside" / run

    def trash(self, deletion: int) -> Path:
        """What was deleted together."""
        return self.root / "trash" / str(deletion)

    def trashed_data_set(self, deletion: int, code: str) -> Path:
        """Raises ValueError for a code that cannot be the name of a folder."""
        name = folder_name(code)
        if name.rstrip("~") == _SERVICE_FILES:  # that name is taken
            name += "~"
        return self.trash(deletion) / name

    def trashed_service_file(self, deletion: int, path: str) -> Path:
        """Raises ValueError if the path leads out of the folder."""
        return confine(self.trash(deletion) / _SERVICE_FILES, safe_relative_path(path))

    def trashed_deletions(self) -> list[int]:
        """The numbers of all deletions of which something lies in the trash."""
        found = (self.root / "trash").glob("[0-9]*")
        return sorted(int(folder.name) for folder in found if folder.name.isdecimal())

    def new_data_set(self, code: str) -> Path:
        """An empty folder aside, into which the files of a data set are written."""
        folder = self._aside(folder_name(code))
        folder.mkdir(parents=True)
        return folder

    def _aside(self, code: str) -> Path:
        return self.temporary / f"{code}.{uuid.uuid4().hex}"

    def complete_data_set(self, code: str, folder: Path) -> None:
        """Make a complete folder aside last, and the place ready into which it is to come."""
        self.data_set_folder(code).parent.mkdir(parents=True, exist_ok=True)
        for directory, _, _ in os.walk(folder):
            sync_folder(Path(directory))

    def install_data_set(
        self, code: str, folder: Path, displaced: Path | None = None
    ) -> Path | None:
        """Put a complete folder in the place of a data set; see `secure_data_set`. Returns where
        that lies now which was there before: at ``displaced``, else in the temporary folder."""
        target, old = self.data_set_folder(code), None
        if os.path.lexists(target):
            old = displaced or self.temporary / f"{code}{_OLD}"
            old.parent.mkdir(parents=True, exist_ok=True)
            target.rename(old)
        try:
            folder.rename(target)
        except OSError:
            if old:
                old.rename(target)
            raise
        return old

    def secure_data_set(self, code: str) -> None:
        """Make it last that a data set was put in its place."""
        sync_folder(self.data_set_folder(code).parent)

    def remove_data_set(self, code: str) -> None:
        """Remove the files of a data set; nothing happens if there are none. A link in the place
        of the folder goes, what it leads to stays; a file there is not the data set."""
        folder = self.data_set_folder(code)
        if folder.is_symlink():
            folder.unlink()
        elif folder.is_dir():
            shutil.rmtree(folder)

    def end_replacements(self, unwritten: Collection[str]) -> None:
        """Data sets that a killed program was just replacing get their old files back if there is
        nothing in their place, or if they are ``unwritten``: their rows are still the old ones. So
        a folder is again what its row says. `ConfigError`."""
        for old in sorted(self.temporary.glob(f"*{_OLD}")):
            if old.is_dir() and not old.is_symlink():
                with suppress(ValueError):  # no code of a data set: not ours
                    self._end_replacement(old, unwritten)

    def _end_replacement(self, old: Path, unwritten: Collection[str]) -> None:
        code = old.name.removesuffix(_OLD)
        home = self.data_set_folder(code)
        if not os.path.lexists(home):
            home = self._former_place(code, old)
        elif code in unwritten:
            home.rename(self._aside(code))  # to be taken over, as what else a killed run brought
        else:
            shutil.rmtree(old)
            return
        home.parent.mkdir(parents=True, exist_ok=True)
        old.rename(home)
        sync_folder(home.parent)

    def _former_place(self, code: str, old: Path) -> Path:
        location = data_set_location(self.uuid, code)
        for share in shares_of(self.root):
            if Path(share, location).parent.is_dir():
                return Path(share, location)
        if not (self.root / SHARE / self.uuid).is_dir():
            raise ConfigError(
                f"storeroot-dir = {self.root}: the files of data set {code}, which an interrupted "
                f"run has left in {old}, cannot be put back, since {SHARE}/{self.uuid} is not "
                "there; is it not mounted?"
            )
        return self.root / SHARE / location

    def clear_temporary(self) -> None:
        """Remove what an earlier run, killed on the way, left aside of new data sets. Whatever else
        lies there, stays: a wrong ``harvester-tmp-dir`` must not cost anything."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        for folder in sorted(self.temporary.iterdir()):
            if folder.is_dir() and not folder.is_symlink() and ASIDE.fullmatch(folder.name):
                shutil.rmtree(folder)


def folder_name(code: str) -> str:
    """The code of a data set, which is data from outside and becomes the name of a folder. Raises
    ValueError for one that cannot be, or that leads elsewhere."""
    if len(safe_relative_path(code).parts) > 1:
        raise ValueError(f"the data set code {code!r} contains a slash")
    if _NOT_IN_CODES.search(code):
        raise ValueError(f"the data set code {code!r} contains a backslash or a control character")
    if len(code.encode()) > _LONGEST_CODE:
        raise ValueError(f"the data set code {code!r} is longer than {_LONGEST_CODE} bytes")
    return code


def shares_of(root: Path) -> list[str]:
    """The paths of the shares below a store root, by name. `OSError` if it cannot be read."""
    with os.scandir(root) as entries:
        return sorted(entry.path for entry in entries if entry.name.isdecimal())


def data_set_location(store_uuid: str, code: str) -> str:
    """The path of a data set below its share, as openBIS computes it."""
    digest = hashlib.md5(code.encode(), usedforsecurity=False).hexdigest()
    return f"{store_uuid}/{digest[:2]}/{digest[2:4]}/{digest[4:6]}/{code}"


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def found_data_store(root: Path) -> str | None:
    """The UUID of the data store whose data sets lie below a store root already, as in the folder
    of an openBIS; None if there is none. Raises `ConfigError` if there are several."""
    shares = [path for path in root.glob("[0-9]*") if path.name.isdigit() and path.is_dir()]
    found = {folder.name for share in shares for folder in share.iterdir() if _is_uuid(folder)}
    if len(found) > 1:
        raise ConfigError(
            f"storeroot-dir = {root}: holds the data sets of several data stores "
            f"({', '.join(sorted(found))}); leave the folder of one of them there"
        )
    return next(iter(found), None)


def _is_uuid(folder: Path) -> bool:
    return re.fullmatch("[0-9A-Fa-f-]{36}", folder.name) is not None and folder.is_dir()
