"""Fetches one file of a data set from wherever the source has it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from harvester.http.retries import OutOfReachError, PassingError
from harvester.openbis.source.afs import AfsChangedError, AfsFiles
from harvester.openbis.source.source import Source
from harvester.openbis.transfers.guard import expected
from shared.model.entities import FileNode
from shared.verification import Download, VerificationError


class Fetching:
    """The files of one run. A file that comes with other bytes than announced is asked for this
    number of times more. ``afs_url``: the application file service (AFS) that the list names."""

    def __init__(self, source: Source, retries: int, afs_url: str | None) -> None:
        self._source = source
        self._retries = retries
        self._afs_url = afs_url

    @cached_property
    def _afs(self) -> AfsFiles:
        return self._source.afs_files(self._afs_url)

    def fetch(self, code: str, file: FileNode, target: Path) -> Download:
        """Raises `VerificationError` for wrong bytes, `SourceError`, `StoppedError`, `OSError`.

        A source server refuses AFS data that change meanwhile, or sends other bytes than it has
        listed, and does not say which: so each failure of a file that may change counts as a
        change. The next list shows the file as it is then.
        """
        try:
            return self._fetch(code, file, target)
        except OutOfReachError:
            raise
        except (VerificationError, PassingError) as error:
            if lies_in_afs(file) or file.modified is None:
                raise
            raise AfsChangedError(str(error)) from error

    def _fetch(self, code: str, file: FileNode, target: Path) -> Download:
        left = self._retries
        while True:
            try:
                return self._fetch_once(code, file, target)
            except VerificationError:
                if not left:
                    raise
                left -= 1

    def _fetch_once(self, code: str, file: FileNode, target: Path) -> Download:
        if lies_in_afs(file):
            return self._afs.download(code, file.path, target, expected(file))
        url = file.href or self._source.session_file_url(code, file.path)
        return self._source.download(
            url, target, length=file.length, crc32=file.crc32, checksum=file.checksum
        )


def lies_in_afs(file: FileNode) -> bool:
    """Other files without an address lie in a data store server, whose lists have no times."""
    return file.href is None and file.modified is not None
