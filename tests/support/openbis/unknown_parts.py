"""What a catalogue over openBIS says to be unknown of single records, and how it is made blind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.model.entities import Entity
from shared.model.kinds import Kind
from shared.model.unknown import Part, Reason, Unknown
from source_server.catalogues.openbis.catalogue import OpenBisCatalogue
from source_server.publication.catalogue import Catalogue
from tests.conftest import OpenCatalogue
from tests.support.openbis.examples import MADE
from tests.support.openbis.reading import entities
from tests.support.openbis_made.files import STORED
from tests.support.servers.postgres import run

# A data set of the made instance: four files in ``original`` and in folders below it.
README = MADE.readme
README_FOLDER = MADE.location
FILES = sorted(STORED[README], key=str.encode)
NOT_AVAILABLE = ["ARCHIVED", "ARCHIVE_PENDING", "UNARCHIVE_PENDING"]
STANDARD = "data store STANDARD"
_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class OpenBis:
    """The richest instance as copies of the test's own."""

    url: str
    path_info: str
    store: Path
    open: OpenCatalogue

    @property
    def folder(self) -> Path:
        return self.store / README_FOLDER

    def with_path_info(self) -> OpenBisCatalogue:
        return self.open(self.url, store_root=self.store, path_info_url=self.path_info)

    def without(self) -> OpenBisCatalogue:
        return self.open(self.url, store_root=self.store)


def data_set(catalogue: Catalogue, code: str = README) -> Entity:
    return entities(catalogue, Kind.DATA_SET)[code]


def paths(catalogue: Catalogue, code: str = README) -> list[str]:
    return [node.path for node in data_set(catalogue, code).files]


def files_are(reason: Reason, detail: str | None = None) -> tuple[Unknown, ...]:
    return (Unknown(part=Part.FILES, reason=reason, detail=detail),)


def note(
    path_info: str,
    path: str,
    *,
    is_directory: bool = False,
    crc32: str = "null",
    code: str = README,
) -> None:
    """Adds a file or folder of 7 bytes to what path info has noted of the data set."""
    statement = """
        insert into data_set_files (id, dase_id, relative_path, file_name, size_in_bytes,
                                    checksum_crc32, is_directory, last_modified)
        select (select max(id) + 1 from data_set_files), id, '<path>', '<name>', 7, <crc32>,
               <is directory>, now()
          from data_sets where code = '<code>'"""
    for place, value in (
        ("<path>", path),
        ("<name>", path.rpartition("/")[2]),
        ("<crc32>", crc32),
        ("<is directory>", str(is_directory)),
        ("<code>", code),
    ):
        statement = statement.replace(place, value)
    run(path_info, statement)


def set_status(url: str, status: str, code: str = README) -> None:
    run(url, of_data_set("update external_data set status = '<status>'", code, status=status))


def set_size(url: str, size: int, code: str = README) -> None:
    run(url, of_data_set("update external_data set size = <size>", code, size=str(size)))


def of_data_set(statement: str, code: str = README, **values: str) -> str:
    """The statement for one row of external_data, with these values in their places."""
    for name, value in values.items():
        statement = statement.replace(f"<{name}>", value)
    where = " where id = (select id from data_all where code = '<code>')"
    return statement + where.replace("<code>", code)


@contextmanager
def folder_of_everybody() -> Iterator[Path]:
    """A folder that a process without rights can look into, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def without_privileges() -> Iterator[None]:
    """Who runs the tests as root may read everything; meanwhile that is not so."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
