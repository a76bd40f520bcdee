"""The file of a bundle: a zip with ``bundle.json``, ``pictures/`` by the hashes of their contents,
and ``SHA256SUMS`` of all members. A file with a wrong or missing checksum is refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opendcim.sync.pictures import LARGEST
from shared.atomic_file import write_atomically
from shared.errors import ConfigError, FormatError

_VERSION = 1
_CONTENT = "bundle.json"
_SUMS = "SHA256SUMS"
_PICTURES = "pictures/"
# Bytes.
_LARGEST_CONTENT = 500 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An open bundle whose checksums are right. ``content`` is its JSON object."""

    path: Path
    file: zipfile.ZipFile
    content: Mapping[str, Any]

    def picture(self, digest: str) -> bytes:
        return self.file.read(_PICTURES + digest)

    def close(self) -> None:
        self.file.close()


def open_archive(path: Path) -> Archive:
    """Checks the whole file. Raises `ConfigError` if it is missing, and `FormatError` if it is
    damaged."""
    try:
        file = zipfile.ZipFile(path)
    except OSError as error:
        raise ConfigError(f"{path}: the bundle cannot be read: {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise FormatError(f"{path} is no bundle, or is damaged: {error}; copy it again") from error
    try:
        _check_sums(file)
        content = json.loads(_member(file, _CONTENT, _LARGEST_CONTENT))
        if not isinstance(content, dict) or content.get("version") != _VERSION:
            raise FormatError(f"it is not of version {_VERSION}")  # noqa: TRY301 - the handler adds the path
    except (
        FormatError,
        KeyError,
        ValueError,
        RecursionError,
        OSError,
        zipfile.BadZipFile,
    ) as error:
        file.close()
        raise FormatError(f"{path} is damaged, or no bundle: {error}; copy it again") from error
    return Archive(path=path, file=file, content=content)


def write_archive(path: Path, content: Mapping[str, object], pictures: Mapping[str, bytes]) -> None:
    """``pictures`` by the hashes of their contents."""
    stamped = {"version": _VERSION, "made": datetime.now(UTC).isoformat(), **content}
    members = {_CONTENT: json.dumps(stamped, indent=1).encode()}
    members |= {_PICTURES + digest: picture for digest, picture in sorted(pictures.items())}
    write_atomically(path, _zipped(members), mode=0o644)


def _check_sums(archive: zipfile.ZipFile) -> None:
    """Every member has a checksum, and it is right."""
    lines = _member(archive, _SUMS, _LARGEST_CONTENT).decode().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in archive.namelist():
        if name == _SUMS:
            continue
        largest = _LARGEST_CONTENT if name == _CONTENT else LARGEST
        # A zip may have a name twice, and only one of them is ever read: the second finds no sum.
        if hashlib.sha256(_member(archive, name, largest)).hexdigest() != sums.pop(name, None):
            raise FormatError(f"the checksum of {name} is wrong or missing")
    if sums:
        raise FormatError(f"{', '.join(sorted(sums))} is missing")


def _member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    with archive.open(name) as file:
        # One byte more shows that the limit is exceeded; a zip bomb is not unpacked further.
        content = file.read(largest + 1)
    if len(content) > largest:
        raise FormatError(f"{name} has more than {largest:,} bytes")
    return content


def _zipped(members: Mapping[str, bytes]) -> bytes:
    # The format of `sha256sum`, which can check an unpacked bundle, too.
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in members.items()
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, _SUMS: sums.encode()}.items():
            archive.writestr(name, content)
    return file.getvalue()
