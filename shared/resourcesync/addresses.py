"""Addresses of a data source: the names of entities, and the URLs of documents and files.

The routes of the source server must match `data_set_file`, `attachment` and `service_file`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from shared.model.kinds import Kind
from shared.resourcesync.terms import Document

DATA_STORE_PATH = "/datastore_server"
RE_SYNC_PATH = f"{DATA_STORE_PATH}/re-sync"
ATTACHMENTS_PATH = f"{DATA_STORE_PATH}/attachments"
FILE_SERVICE_PATH = f"{DATA_STORE_PATH}/file-service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Addresses of a source. ``server_url`` (``https://host:8443/openbis``) begins the names of all
    entities, ``download_url`` (``https://host:8444``) the URLs of documents and files.

    ``afs_url`` is that of the application file service, which documents name to harvesters of
    openBIS 7; None if they name none."""

    server_url: str
    download_url: str
    afs_url: str | None = None

    def __post_init__(self) -> None:
        for name in ("server_url", "download_url"):
            object.__setattr__(self, name, getattr(self, name).strip().rstrip("/"))

    def document(self, document: Document) -> str:
        return f"{self.download_url}{RE_SYNC_PATH}/?verb={document.value}"

    def data_set_file_name(self, code: str, path: str) -> str:
        """The ``path`` attribute of a file node: not encoded, a ``?`` at its end."""
        return f"{self.download_url}{DATA_STORE_PATH}/{code}/{path}?"

    def data_set_file(self, code: str, path: str) -> str:
        """The URL of a file of a data set."""
        return f"{self.download_url}{DATA_STORE_PATH}/{quote(code, safe='')}/{quote(path)}"

    def attachment(self, kind: Kind, perm_id: str, file_name: str, version: int) -> str:
        """The URL of a version of an attachment. A ``/`` in the name is encoded, too."""
        holder = f"{kind.value}/{quote(perm_id, safe='')}"
        name = quote(file_name, safe="")
        return f"{self.download_url}{ATTACHMENTS_PATH}/{holder}/{name}?version={version}"

    def service_file(self, path: str) -> str:
        """The URL of a file of the file service."""
        return f"{self.download_url}{FILE_SERVICE_PATH}/{quote(path)}"
