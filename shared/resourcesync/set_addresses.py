"""Addresses of the documents and files for stock ResourceSync clients.

All files lie below one prefix, and each has a path without a query, since such clients map a prefix
to a folder and keep the rest of the address as the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from shared.model.kinds import Kind

WELL_KNOWN = "/.well-known/resourcesync"
SETS_PATH = "/resourcesync"
ABOUT_PATH = f"{SETS_PATH}/about.txt"
ENTITIES_CAPABILITIES_PATH = f"{SETS_PATH}/capabilitylist.xml"

# The prefix of the files. Stock clients that are only given a prefix look for a source description
# and a resource list with these names below it.
FILES_PATH = f"{SETS_PATH}/files"
FILES_DESCRIPTION_PATH = f"{FILES_PATH}{WELL_KNOWN}"
FILES_CAPABILITIES_PATH = f"{FILES_PATH}/capabilitylist.xml"
FILE_LIST_PATH = f"{FILES_PATH}/resourcelist.xml"
FILE_LIST_PARTS_PATH = f"{FILES_PATH}/resourcelist"
LISTED_DATA_SETS_PATH = f"{FILES_PATH}/data-sets"
LISTED_AFS_PATH = f"{FILES_PATH}/afs"
LISTED_ATTACHMENTS_PATH = f"{FILES_PATH}/attachments"
LISTED_SERVICE_FILES_PATH = f"{FILES_PATH}/file-service"

# Left as they are, beside letters, digits and ``-._~``: all that RFC 3986 allows in a path, but for
# what XML escapes (``&``), some clients take for an end (``;``), or Windows refuses in names.
_PLAIN = "!$'()+,=@"
_PLAIN_PATH = f"{_PLAIN}/"

_NO_NAMES = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAddresses:
    """Addresses below ``download_url``. Those of files are None for a name that no address can
    carry, as ``..``."""

    download_url: str

    def of(self, path: str) -> str:
        return f"{self.download_url}{path}"

    def part(self, list_id: str, number: int) -> str:
        """The address of a part of the list of files. Clients read parts by their addresses in
        byte order."""
        return self.of(f"{FILE_LIST_PARTS_PATH}/{list_id}/{number:05}.xml")

    def data_set_file(self, code: str, path: str, *, is_afs: bool) -> str | None:
        """``is_afs``: the code is the perm id of the owner."""
        prefix = LISTED_AFS_PATH if is_afs else LISTED_DATA_SETS_PATH
        return self._below(f"{prefix}/{quote(code, safe=_PLAIN)}", path)

    def attachment(self, kind: Kind, perm_id: str, version: int, file_name: str) -> str | None:
        """A ``/`` in the name is encoded, too."""
        if not _NO_NAMES.isdisjoint(file_name.split("/")):
            return None
        holder = f"{LISTED_ATTACHMENTS_PATH}/{kind.value}/{quote(perm_id, safe=_PLAIN)}"
        return self.of(f"{holder}/{version}/{quote(file_name, safe=_PLAIN)}")

    def service_file(self, path: str) -> str | None:
        return self._below(LISTED_SERVICE_FILES_PATH, path)

    def _below(self, prefix: str, path: str) -> str | None:
        if not _NO_NAMES.isdisjoint(path.split("/")):
            return None
        return f"{self.download_url}{prefix}/{quote(path, safe=_PLAIN_PATH)}"
