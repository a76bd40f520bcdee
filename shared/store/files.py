"""The data store folder, in openBIS's own layout.

A data set lies in ``<store root>/1/<uuid>/aa/bb/cc/<code>``, where aabbcc are the first hex digits
of the MD5 of its code. Contents of attachments lie beside it, named by their SHA-256, in
``<store root>/attachments/aa/bb/``; openBIS itself takes only folders named by digits for shares.
Files that were deleted together lie in ``<store root>/trash/<deletion>/``: data sets as folders
named by their codes, files of the file service in ``files``. Files that were found damaged lie in
``<store root>/set-aside/<run>/``.

New content is written to a temporary path on the same file system, synced and renamed, so that a
name always leads to the complete old or the complete new content.
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
from shared.checkpoints import checkpoint
from shared.errors import ConfigError
from shared.paths import confine, safe_relative_path

# The share for new data sets; existing ones are found in any share.
SHARE = "1"

# The folder within a deletion's folder in the trash.
_SERVICE_FILES = "files"
# Suffix of a data set that is being replaced; new ones have a suffix of 32 digits.
_OLD = ".replaced"
# Name of a temporary folder; the group is the code of its data set.
ASIDE = re.compile(r"(.+)\.[0-9a-f]{32}")
# Characters that no code in openBIS has; operators read codes one per line.
_NOT_IN_CODES = re.compile("[\\\\\x00-\x1f\x7f-\x9f]")
# Bytes; a temporary name is longer, and file systems take 255.
_LONGEST_CODE = 200


@dataclass(frozen=True, slots=True)
class DataStore:
    """The folders of an instance: data sets, attachments, file service, temporary files.

    ``temporary`` must be on the file system of ``root``; for files of the file service there is a
    hidden folder on theirs.
    """

    root: Path
    uuid: str
    service_root: Path
    temporary: Path

    def data_set_folder(self, code: str) -> Path:
        """The folder of a data set, in whichever share it is, or where it would be created. Raises
        ValueError for a code that cannot be a folder's name."""
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
        """The file with the content of an attachment."""
        return self.root / "attachments" / sha256[:2] / sha256[2:4] / sha256

    def service_entry(self, path: str) -> Path:
        """The entry with the name of a file of the file service, even if it is a link. Raises
        ValueError if its folder leads out of the file service's."""
        relative = safe_relative_path(path)
        return confine(self.service_root, relative.parent) / relative.name

    def service_file(self, path: str) -> Path:
        """A file of the file service. Raises ValueError if the path leads out of its folder."""
        return confine(self.service_root, safe_relative_path(path))

    def set_aside(self, run: str) -> Path:
        """The folder for files that one run found in the place of others. They are kept for people
        to look at; the program never removes them."""
        return self.root / "set-aside" / run

    def trash(self, deletion: int) -> Path:
        """The folder of what was deleted together."""
        return self.root / "trash" / str(deletion)

    def trashed_data_set(self, deletion: int, code: str) -> Path:
        """Raises ValueError for a code that cannot be a folder's name."""
        name = folder_name(code)
        if name.rstrip("~") == _SERVICE_FILES:  # that name is taken
            name += "~"
        return self.trash(deletion) / name

    def trashed_service_file(self, deletion: int, path: str) -> Path:
        """Raises ValueError if the path leads out of the folder."""
        return confine(self.trash(deletion) / _SERVICE_FILES, safe_relative_path(path))

    def trashed_deletions(self) -> list[int]:
        """The numbers of all deletions that have files in the trash."""
        found = (self.root / "trash").glob("[0-9]*")
        return sorted(int(folder.name) for folder in found if folder.name.isdecimal())

    def new_data_set(self, code: str) -> Path:
        """An empty temporary folder for the files of a data set."""
        folder = self._aside(folder_name(code))
        folder.mkdir(parents=True)
        return folder

    def _aside(self, code: str) -> Path:
        return self.temporary / f"{code}.{uuid.uuid4().hex}"

    def complete_data_set(self, code: str, folder: Path) -> None:
        """Syncs a complete temporary folder, and creates the folder that it will be moved to."""
        self.data_set_folder(code).parent.mkdir(parents=True, exist_ok=True)
        for directory, _, _ in os.walk(folder):
            sync_folder(Path(directory))

    def install_data_set(
        self, code: str, folder: Path, displaced: Path | None = None
    ) -> Path | None:
        """Moves a complete folder to the place of a data set; see `secure_data_set`. Returns where
        the previous one lies now: at ``displaced``, else in the temporary folder."""
        target, old = self.data_set_folder(code), None
        if os.path.lexists(target):
            old = displaced or self.temporary / f"{code}{_OLD}"
            old.parent.mkdir(parents=True, exist_ok=True)
            checkpoint("an old data set is about to make room", code)
            target.rename(old)
            checkpoint("an old data set has made room", code)
        checkpoint("a data set is about to be put in place", code)
        try:
            folder.rename(target)
        except OSError:
            if old:
                old.rename(target)
            raise
        checkpoint("a data set is in place", code)
        return old

    def secure_data_set(self, code: str) -> None:
        """Syncs the move, so that it survives a crash of the machine."""
        sync_folder(self.data_set_folder(code).parent)

    def remove_data_set(self, code: str) -> None:
        """Removes the files of a data set, if there are any. If its folder is a link, only the link
        is removed; a file in its place is left alone."""
        folder = self.data_set_folder(code)
        if folder.is_symlink():
            folder.unlink()
        elif folder.is_dir():
            shutil.rmtree(folder)

    def end_replacements(self, unwritten: Collection[str]) -> None:
        """Undoes replacements that a killed program had not finished: data sets get their old files
        back if they have none, or if they are ``unwritten``, whose rows are still the old ones.
        Then each folder matches its row. Raises `ConfigError`."""
        for old in sorted(self.temporary.glob(f"*{_OLD}")):
            if old.is_dir() and not old.is_symlink():
                with suppress(ValueError):  # not the code of a data set, so not ours
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
        checkpoint("an old data set is about to be put back", code)
        old.rename(home)
        sync_folder(home.parent)
        checkpoint("an old data set is back", code)

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
        """Removes temporary folders that a killed run left. Other files stay: a wrong
        ``harvester-tmp-dir`` must not destroy anything."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        for folder in sorted(self.temporary.iterdir()):
            if folder.is_dir() and not folder.is_symlink() and ASIDE.fullmatch(folder.name):
                shutil.rmtree(folder)


def folder_name(code: str) -> str:
    """The folder's name for the code of a data set, which comes from outside. Raises ValueError for
    a code that cannot be one, or leads elsewhere."""
    if len(safe_relative_path(code).parts) > 1:
        raise ValueError(f"the data set code {code!r} contains a slash")
    if _NOT_IN_CODES.search(code):
        raise ValueError(f"the data set code {code!r} contains a backslash or a control character")
    if len(code.encode()) > _LONGEST_CODE:
        raise ValueError(f"the data set code {code!r} is longer than {_LONGEST_CODE} bytes")
    return code


def shares_of(root: Path) -> list[str]:
    """The paths of the shares below a store root, by name. Raises `OSError`."""
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
    """The UUID of the data store whose data sets lie below a store root, as in openBIS's folder;
    None if there are none. Raises `ConfigError` if there are several."""
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
