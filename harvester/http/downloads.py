"""Fetches and verifies files; large ones resume where they broke off (RFC 9110, 13.1.5 and 14).

A content is asked for from its first missing byte on, under the condition that it is unchanged.
Whatever the source answers, the whole content is verified before it is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx

from harvester.http.bandwidth import Throttle
from harvester.http.bodies import IDENTITY, encoding_of
from harvester.http.client import HttpClient
from harvester.http.pace import Pace
from harvester.http.partials import Partial, Partials, partial_name
from harvester.http.retries import Retries
from harvester.runs.stopping import RunLimits
from shared.blocks import blocks
from shared.edges import OnError
from shared.verification import Download, Expected, VerificationError, Verifier

# Bytes from which on the beginning of a file is worth keeping.
LARGE = 1 << 20
# Bytes of a large file after which they are sent on to the disk.
_WRITE_BACK = 8 << 20
_GONE = frozenset({404, 410})
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)


class Content:
    """The part of a file that has come so far, and its running checksums."""

    def __init__(self, file: BinaryIO, expected: Expected) -> None:
        self._file = file
        self.expected = expected
        # Under which condition the rest may be asked for; None if all is to be fetched anew.
        self.validator: str | None = None
        self.is_of_one_answer = True
        self._verifier = Verifier(expected)
        self._furthest = 0

    @property
    def length(self) -> int:
        return self._verifier.length

    @property
    def kept_length(self) -> int:
        """Bytes that a next try could resume after."""
        return self._furthest if self.validator else 0

    def begin(self, _validator: str | None) -> None:
        """Start from the first byte, with an answer that has this validator."""
        if self.length:
            self._file.seek(0)
            self._file.truncate()
        self.is_of_one_answer = True
        self._verifier = Verifier(self.expected)

    def take(self, chunk: bytes) -> None:
        self._verifier.feed(chunk)
        self._file.write(chunk)
        self._furthest = max(self._furthest, self.length)

    def finish(self) -> Download:
        return self._verifier.finish()


class KeptContent(Content):
    """A content whose beginning is kept for a later try."""

    def __init__(self, partial: Partial, expected: Expected) -> None:
        super().__init__(partial.file, expected)
        self._partial = partial
        self._sent_on = 0

    def begin(self, validator: str | None) -> None:
        self._partial.begin(validator)
        super().begin(validator)
        self.validator = validator
        self._sent_on = 0

    def take(self, chunk: bytes) -> None:
        """Write a block. From time to time the disk is asked to begin writing, so that the final
        fsync does not wait for the whole file."""
        super().take(chunk)
        if self.length - self._sent_on >= _WRITE_BACK:
            self._sent_on = self.length
            os.posix_fadvise(self._partial.file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def resume(self, moved: Callable[[], None]) -> None:
        """Read what the partial file holds and continue after it."""
        self.validator = self._partial.validator
        self.is_of_one_answer = False
        try:
            for block in blocks(self._file):
                self._verifier.feed(block)
                moved()
        except VerificationError:  # there is too much of it
            self.begin(None)
        self._furthest = self.length


# One try to bring the missing part of a content, or all of it, and to verify it.
Attempt = Callable[[Content], Download]


class Downloads:
    """Fetches the files of one run."""

    def __init__(
        self,
        client: HttpClient,
        retries: Retries,
        throttle: Throttle,
        limits: RunLimits,
        partials: Partials,
    ) -> None:
        self._client = client
        self._retries = retries
        self._throttle = throttle
        self._limits = limits
        self._partials = partials

    def fetch(self, address: str, target: Path, expected: Expected) -> Download:
        """Fetch to a new file; if this raises, nothing of the file remains."""
        url = self._client.at_home(address)
        return self.bring(url.path, partial(self._try, url), target, expected)

    def bring(self, name: str, attempt: Attempt, target: Path, expected: Expected) -> Download:
        """The same, by tries that the caller makes. ``name`` tells the content from others that
        have the same length and checksums."""
        with target.open("xb") as file, OnError(partial(target.unlink, missing_ok=True)):
            if (expected.length or 0) < LARGE or not expected.proves:
                return self._bring_small(attempt, file, expected)
            with self._partials.open(partial_name(name, expected)) as kept:
                if kept is None:
                    return self._bring_small(attempt, file, expected)
                return self._bring_large(attempt, kept, target, expected)

    def _bring_small(self, attempt: Attempt, file: BinaryIO, expected: Expected) -> Download:
        content = Content(file, expected)
        found = self._retries.run(partial(attempt, content))
        file.flush()
        os.fsync(file.fileno())
        return found

    def _bring_large(
        self, attempt: Attempt, kept: Partial, target: Path, expected: Expected
    ) -> Download:
        content = KeptContent(kept, expected)
        try:
            content.resume(self._limits.progressed)
            found = self._retries.run(
                partial(attempt, content), progress=lambda: content.kept_length
            )
            kept.move(target)
        except (VerificationError, OSError):  # it is wrong, or takes room that others need
            kept.remove()
            raise
        return found

    def _try(self, url: httpx.URL, content: Content) -> Download:
        """One try; if the kept beginning turns out to be wrong, a second one from the first
        byte."""
        if content.length and content.length == content.expected.length:
            try:
                return content.finish()
            except VerificationError:
                content.begin(None)
        if content.length and content.validator:
            found = self._go_on(url, content)
            if found:
                return found
        content.begin(None)
        with self._client.get(url, IDENTITY) as response:
            self._begin(response, content)
            self._copy(response, content)
        return content.finish()

    def _go_on(self, url: httpx.URL, content: Content) -> Download | None:
        """Fetch the rest; None if the result is not the right content."""
        headers = {
            **IDENTITY,
            "Range": f"bytes={content.length}-",
            "If-Range": content.validator or "",
        }
        with self._client.get(url, headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return None
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                if not _is_the_rest(response, content):
                    return None
                content.is_of_one_answer = False
            else:
                self._begin(response, content)
            try:
                self._copy(response, content)
                return content.finish()
            except VerificationError:
                if content.is_of_one_answer:
                    raise
                return None

    def _begin(self, response: httpx.Response, content: Content) -> None:
        """An answer with the whole content."""
        if response.status_code in _GONE:
            raise VerificationError("the source does not have the file")
        self._client.check(response)
        if encoding := encoding_of(response):
            raise VerificationError(
                f"the source packs the file (Content-Encoding {encoding[:60]!r}), although it was "
                "asked for as it is; correct the source, or the proxy before it"
            )
        content.begin(_validator(response))

    def _copy(self, response: httpx.Response, content: Content) -> None:
        for chunk in self.watched(response.iter_raw()):
            content.take(chunk)

    def watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces of a body, as fast as they may come. Raises `StoppedError` if the run is to
        end urgently, and `PassingError` if they come too slowly."""
        pace = Pace(self._client.patience)
        for chunk in chunks:
            pace.came(len(chunk))
            yield chunk
            self._limits.received(len(chunk))
            self._throttle.take(len(chunk))
            self._limits.check_urgent()
            pace.waits()


def _is_the_rest(response: httpx.Response, content: Content) -> bool:
    """Whether the answer begins where the content ends, and is a part of the expected content."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if found is None or "content-encoding" in response.headers:
        return False
    first, last, total = map(int, found.groups())
    return (first, last, total) == (content.length, total - 1, content.expected.length)


def _validator(response: httpx.Response) -> str | None:
    """The validator for If-Range: a strong ETag, else the time of the last change. None if parts of
    different answers could not be joined safely."""
    tag: str = response.headers.get("etag", "")
    if tag.startswith('"'):
        return tag
    changed: str | None = response.headers.get("last-modified")
    return changed
