"""The data source: its list, fetched once per run, and its files.

Failures that may pass by themselves (no connection, a cut body, 5xx) are tried again a few times.
Every error is translated into one of ours. `http_client` speaks HTTP.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Self

import httpx

from harvester.http.bandwidth import Throttle
from harvester.http.bodies import beginning, unpacked
from harvester.http.client import HttpClient
from harvester.http.downloads import Downloads
from harvester.http.partials import Partials
from harvester.http.retries import Retries
from harvester.http.tls import warn_if_unverified
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.afs import AfsFiles
from harvester.openbis.source.allowance import ListAllowance
from harvester.openbis.source.growing_file import GrowingFile
from harvester.openbis.source.list_documents import ListRequest, list_url, parts_of
from harvester.openbis.source.openbis_session import OpenbisSession
from harvester.openbis.source.probe import Probe, probe_of
from harvester.runs.stopping import RunLimits
from shared.edges import OnError
from shared.errors import SourceError, StoppedError
from shared.resourcesync.terms import Document
from shared.verification import Download, Expected, VerificationError

__all__ = ["Download", "Source", "VerificationError"]

logger = logging.getLogger(__name__)

# The longest answer to a login, which has some hundred bytes; what is longer is no answer.
LOGIN_BYTES = 1 << 20
_GATEWAY = frozenset({502, 503, 504})


class Source:
    """The data source of one section, used in a ``with``; any number of threads may share it.

    It stops when the ``limits`` say so: between two tries; within the list at once; within a file
    only if that is urgent. Then `StoppedError` is raised.
    """

    def __init__(
        self,
        config: SectionConfig,
        limits: RunLimits | None = None,
        log: logging.Logger = logger,
        *,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """Raises `ConfigError` for certificates, keys and proxies that cannot be used. ``sleep``
        replaces the way of the limits to wait between two tries."""
        self._config = config
        self._limits = limits or RunLimits(config)
        self._client = _client(config)
        warn_if_unverified(config, log)
        self._pauses = [pause.total_seconds() for pause in config.retry_pauses]
        self._sleep = sleep or self._limits.sleep
        self._log = log
        self._retries = Retries(self._pauses, self._sleep, log)
        self._throttle = Throttle(config.bandwidth_limit, self._limits.pause)
        self._partials = Partials(config.partial_folder)
        self._downloads = Downloads(
            self._client, self._retries, self._throttle, self._limits, self._partials
        )
        self._session = OpenbisSession(config, self._post)
        self._allowance: ListAllowance

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A logout that fails must neither make the run fail nor hide the error that has ended it.
        with suppress(SourceError, StoppedError):
            self._session.close()
        self._client.close()

    def abort(self) -> None:
        """Break off all requests, from another thread. Nothing can be fetched afterwards."""
        self._client.abort()

    @contextmanager
    def list_on_its_way(self, spool_dir: Path) -> Iterator[Sequence[GrowingFile]]:
        """The resource list, unpacked, in one file, or in several, in order, if it lies in parts.

        The files can be read at once, while the first one is still being fetched. They are new
        files below ``spool_dir``, which the caller removes. Readers get `SourceRefusedError`,
        `SourceError`, `StoppedError`, or `OSError` if the disk is full. If the block raises, the
        source is closed for further work.
        """
        url = httpx.URL(list_url(self._config))
        self._allowance = ListAllowance(spool_dir, self._config.max_list_time)
        with ThreadPoolExecutor(1, thread_name_prefix="list") as thread:
            first = self._begin(url, spool_dir, thread)
            with OnError(self.abort), OnError(first.give_up):
                yield self._parts(url, first, thread)

    def _parts(
        self, url: httpx.URL, first: GrowingFile, thread: ThreadPoolExecutor
    ) -> Sequence[GrowingFile]:
        homes = self._homes(url, first)
        if homes is None:
            return [first]
        folder = first.path.parent
        return [self._begin(home, folder, thread) for home in homes]

    def _homes(self, url: httpx.URL, first: GrowingFile) -> Sequence[httpx.URL] | None:
        """The addresses of the parts, if the file is an index, which is removed; else None."""
        addresses = parts_of(first)
        if addresses is None:
            return None
        first.wait().unlink()
        return [self._client.at_home(address, seen_in=url) for address in addresses]

    def fetch_answers(
        self, requests: Iterable[ListRequest], spool_dir: Path
    ) -> Iterator[Sequence[Path]]:
        """The files of the list that each request is answered with, one after the other. The limits
        of a list apply to all of them together. Raises the errors of `list_on_its_way`."""
        self._allowance = ListAllowance(spool_dir, self._config.max_list_time)
        for request in requests:
            url = httpx.URL(request.url)
            first = self._fetch(url, spool_dir, request.form)
            homes = self._homes(url, first)
            files = [first] if homes is None else [self._fetch(one, spool_dir) for one in homes]
            yield [file.path for file in files]

    def _fetch(self, url: httpx.URL, folder: Path, form: bytes | None = None) -> GrowingFile:
        file = _new_file(folder)
        try:
            self._retries.run(partial(self._copy, url, file, form))
        finally:
            file.end()
        return file

    def fetch_list(self, spool_dir: Path) -> list[Path]:
        """The same as `list_on_its_way`, once all of it is here. If this raises, no file
        remains."""
        before = set(spool_dir.iterdir())
        with (
            OnError(partial(_remove_others, spool_dir, before)),
            self.list_on_its_way(spool_dir) as parts,
        ):
            return [part.wait() for part in parts]

    def look(self, document: Document | None) -> Probe:
        """Fetch a small document of the source, whatever the status; None: what it answers to a
        request that names no document."""
        address = list_url(self._config, document) if document else self._config.resource_list_url
        url = httpx.URL(address)

        def attempt() -> Probe:
            # Only the beginning of the body is read, as it comes, so it must not be packed.
            with self._client.get(url, {"Accept-Encoding": "identity"}) as response:
                return probe_of(response)

        return self._retries.run(attempt)

    def download(
        self,
        url: str,
        path: Path,
        *,
        length: int | None = None,
        crc32: int | None = None,
        checksum: str | None = None,
        sha256: str | None = None,
    ) -> Download:
        """Fetch a file to ``path``, which must not exist, verify it and sync it to the disk.

        If this raises, nothing remains at ``path``: `VerificationError` if the source does not have
        the file or sends other bytes than announced, the errors of `fetch_list`, or `OSError`. The
        beginning of a large file is kept for the next try, unless it is wrong.
        """
        expected = Expected(length=length, crc32=crc32, checksum=checksum, sha256=sha256)
        return self._downloads.fetch(url, path, expected)

    def afs_files(self, url: str | None) -> AfsFiles:
        """The files of samples and experiments in openBIS 7's application file service, whose
        address the list names."""
        # Pauses that AFS asks for are not those of the data store.
        retries = Retries(self._pauses, self._sleep, self._log)
        downloads = Downloads(self._client, retries, self._throttle, self._limits, self._partials)
        return AfsFiles(self._config, url, self._client, self._session, downloads)

    def tidy_partials(self, *, all_is_here: bool) -> None:
        """Remove beginnings of files that no run has asked for in days."""
        self._partials.tidy(all_is_here=all_is_here)

    def open_session(self) -> None:
        """Log in at an original openBIS, unless that was done; see `session_file_url`."""
        self._session.token()

    def session_file_url(self, code: str, path: str) -> str:
        """The address of a data set's file at an original openBIS, for lists that announce no
        ``href``.

        It holds a session token and must not be printed. The first call logs in.
        """
        return self._session.file_url(code, path)

    def ask(self, method: str, *params: object) -> Any:
        """The result of a call of openBIS's V3 API. The first call logs in."""
        return self._session.ask(method, *params)

    def _begin(self, url: httpx.URL, folder: Path, thread: ThreadPoolExecutor) -> GrowingFile:
        """Start fetching a file in the thread, after what that does now has ended."""
        file = _new_file(folder)
        thread.submit(self._retries.run, partial(self._copy, url, file)).add_done_callback(
            lambda task: file.end(task.exception())
        )
        return file

    def _copy(self, url: httpx.URL, file: GrowingFile, form: bytes | None = None) -> None:
        with self._client.get(url, {"Accept-Encoding": "gzip"}, form) as response:
            self._client.check(response)
            file.begin_anew()
            before = 0
            for block in unpacked(response):
                self._allowance.check(len(block))
                file.write(block)
                self._limits.progressed()
                self._limits.check()
                # The limit is about bytes on the line, before they are unpacked.
                self._throttle.take(response.num_bytes_downloaded - before)
                before = response.num_bytes_downloaded
        self._limits.check()

    def _post(self, url: str, body: bytes) -> bytes | None:
        """The body of an answer with status 200; None for other answers, unless they may pass."""

        def attempt() -> bytes | None:
            with self._client.post(url, body) as response:
                if response.status_code in _GATEWAY:
                    self._client.check(response)
                if response.status_code != httpx.codes.OK:
                    return None
                return beginning(response, LOGIN_BYTES)

        return self._retries.run(attempt)


def _new_file(folder: Path) -> GrowingFile:
    descriptor, name = mkstemp(dir=folder, prefix="list-", suffix=".xml")
    os.close(descriptor)
    return GrowingFile(Path(name))


def _remove_others(folder: Path, kept: Set[Path]) -> None:
    for path in set(folder.iterdir()) - kept:
        path.unlink(missing_ok=True)


def _client(config: SectionConfig) -> HttpClient:
    urls = config.resource_list_url, config.data_source_dss_url, config.data_source_openbis_url
    return HttpClient(
        config,
        user=config.data_source_auth_user,
        password=config.data_source_auth_pass.get_secret_value(),
        base=config.data_source_dss_url,
        urls=filter(None, urls),
    )
