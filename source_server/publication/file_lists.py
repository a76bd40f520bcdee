"""Makes the list of files: one document, or parts with an index if it would be too long for one.

The root of the document says which of both it is, so the whole list is made before its first byte
is sent. It is gathered on the disk. Parts are from one snapshot, and are kept for some hours in a
folder that all processes of the server share; only a client with the rights for which they were
made gets them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from shared.errors import NotNowError
from shared.resourcesync.set_addresses import (
    FILE_LIST_PATH,
    FILES_CAPABILITIES_PATH,
    SetAddresses,
)
from shared.resourcesync.set_documents import URL_SET_TAIL, file_list_head, write_list_index
from source_server.publication.catalogue import Catalogue, Scope
from source_server.publication.list_etag import list_tag
from source_server.publication.listed_files import ListedFiles, Unseen
from source_server.publication.published import Publication, Visible
from source_server.publication.resource_sets import set_addresses
from source_server.publication.roots import NO_ROOTS

# The limits of the sitemap protocol for one document: entries, and bytes, of which the head and the
# tail need a few.
MOST_ENTRIES = 50_000
_MOST_BYTES = 50_000_000 - 10_000
# Bytes of a document that stay in memory.
_IN_MEMORY = 4 << 20
# Entries that are read in one turn.
_BATCH = 1_000
_BLOCK = 256 * 1024
_GZIP_LEVEL = 1

# Seconds for which parts are kept, and lists of one user that have some.
_KEPT = 6 * 3600
_MOST_KEPT = 4
_DIGITS = 32
_Page = tempfile.SpooledTemporaryFile[bytes]

_LIST_ID = re.compile(f"[0-9a-f]{{{_DIGITS}}}-[0-9a-f]{{{_DIGITS}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for a list, and which one."""

    user_id: str
    unseen: Unseen = Unseen.LISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeList:
    """A list or, if it ``is_index``, the index of its parts; ``length`` is that of the chunks in
    bytes. The chunks must be closed."""

    chunks: Generator[bytes, None, None]
    length: int
    is_index: bool


def file_list_tag(publication: Publication, scope: Scope, asked: Asked) -> str | None:
    """The ETag of a list, as `list_tag`. An index must not have it: its parts do not stay."""
    tag = list_tag(publication, scope, NO_ROOTS)
    covered = f"files {asked.unseen} {tag}"
    return tag and f'W/"{hashlib.sha256(covered.encode()).hexdigest()[:32]}"'


class FileLists:
    """Makes lists, and keeps their parts below the folder. Any number of threads may use it."""

    def __init__(self, folder: Path, *, most_entries: int = MOST_ENTRIES) -> None:
        self._folder = folder
        self._most_entries = most_entries

    @classmethod
    def in_temporary_folder(cls) -> FileLists:
        """Several servers of one user may share it: no id of a list can be guessed."""
        return cls(Path(tempfile.gettempdir(), f"openbis-sync-file-lists-{os.getuid()}"))

    def made(self, publication: Publication, visible: Visible, asked: Asked) -> MadeList:
        """Raises `NotNowError` if the list cannot be made now."""
        with _not_now_without_room(), ExitStack() as if_it_fails:
            with publication.catalogue.snapshot() as snapshot:
                scope = visible(snapshot)
                files = ListedFiles(publication, snapshot, scope, asked.unseen)
                folder = self._folder / f"{_owner(publication, scope, asked)}-{_random()}"
                addresses = set_addresses(publication.addresses)
                draft = _Draft(folder, addresses, snapshot.at, self._most_entries)
                if_it_fails.callback(draft.discard)
                for entry in _in_turns(files.entries(), publication.catalogue):
                    self._add(entry, draft, folder)
            made = draft.finished()
            if_it_fails.pop_all()
            return made

    def _add(self, entry: bytes, draft: _Draft, folder: Path) -> None:
        if draft.is_full_for(entry):
            self._make_room(folder)
            draft.turn_page()
        draft.add(entry)

    def part(
        self, publication: Publication, scope: Scope, user_id: str, name: tuple[str, str]
    ) -> BinaryIO | None:
        """The part with this list id and number, compressed with gzip; None if there is none (any
        more) for a client with this scope."""
        list_id, number = name
        owners = {
            _owner(publication, scope, Asked(user_id=user_id, unseen=each)) for each in Unseen
        }
        if not _LIST_ID.fullmatch(list_id) or list_id[:_DIGITS] not in owners:
            return None
        if not re.fullmatch("[0-9]{5}", number):
            return None
        try:
            return (self._folder / list_id / _file_name(int(number))).open("rb")
        except FileNotFoundError:
            return None

    def _make_room(self, folder: Path) -> None:
        """Make the folder of a list. Old lists go, and the oldest of an owner that has many."""
        if folder.exists():
            return
        _make_private(self._folder)
        owner = folder.name[:_DIGITS]
        kept = sorted(self._lists(), reverse=True)
        own = [path for _, path in kept if path.name.startswith(owner)]
        old = [path for made, path in kept if time.time() - made > _KEPT]
        for path in {*old, *own[_MOST_KEPT - 1 :]}:
            shutil.rmtree(path, ignore_errors=True)
        folder.mkdir(mode=0o700)

    def _lists(self) -> Iterator[tuple[float, Path]]:
        for path in self._folder.iterdir():
            try:
                yield path.stat().st_mtime, path
            except FileNotFoundError:  # another process has removed it
                continue


class _Draft:
    """A list that is being made: one page at a time, of which all but the last become parts."""

    def __init__(
        self, folder: Path, addresses: SetAddresses, at: datetime, most_entries: int
    ) -> None:
        self._folder = folder
        self._addresses = addresses
        self._at = at
        self._most_entries = most_entries
        self._up = addresses.of(FILES_CAPABILITIES_PATH)
        self._parts = 0
        self._page = _new_page()
        self._entries = 0
        self._size = 0

    def is_full_for(self, entry: bytes) -> bool:
        return self._entries == self._most_entries or self._size + len(entry) > _MOST_BYTES

    def add(self, entry: bytes) -> None:
        self._page.write(entry)
        self._entries += 1
        self._size += len(entry)

    def turn_page(self) -> None:
        """Make the page a part, and begin a new one."""
        self._keep_page()
        self._page, self._entries, self._size = _new_page(), 0, 0

    def _keep_page(self) -> None:
        self._parts += 1
        head = file_list_head(self._up, self._at, self._addresses.of(FILE_LIST_PATH))
        with gzip.open(self._folder / _file_name(self._parts), "wb", _GZIP_LEVEL) as file:
            for block in chain([head], _blocks(self._page), [URL_SET_TAIL]):
                file.write(block)
        self._page.close()

    def finished(self) -> MadeList:
        if self._parts:
            self._keep_page()
            return self._index()
        head = file_list_head(self._up, self._at)
        length = len(head) + self._size + len(URL_SET_TAIL)
        return MadeList(chunks=_closing(self._page, head), length=length, is_index=False)

    def discard(self) -> None:
        self._page.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _index(self) -> MadeList:
        parts = [self._addresses.part(self._folder.name, n + 1) for n in range(self._parts)]
        index = write_list_index(self._up, self._at, parts)
        return MadeList(chunks=_only(index), length=len(index), is_index=True)


def _new_page() -> _Page:
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)


def _blocks(page: _Page) -> Iterator[bytes]:
    page.seek(0)
    while block := page.read(_BLOCK):
        yield block


def _closing(page: _Page, head: bytes) -> Generator[bytes, None, None]:
    with page:
        yield head
        yield from _blocks(page)
        yield URL_SET_TAIL


def _only(document: bytes) -> Generator[bytes, None, None]:
    yield document


def _in_turns(entries: Iterator[bytes], catalogue: Catalogue) -> Iterator[bytes]:
    while True:
        with catalogue.turn():
            batch = list(islice(entries, _BATCH))
        if not batch:
            return
        yield from batch


def _owner(publication: Publication, scope: Scope, asked: Asked) -> str:
    """The first part of list ids: the instance, the user, their rights, and what they ask for."""
    addresses = publication.addresses
    covered: Iterable[object] = (
        *(addresses.server_url, addresses.download_url),
        *(asked.user_id.lower(), asked.unseen),
        *(sorted(scope.spaces), sorted(scope.projects)),
    )
    return hashlib.sha256(json.dumps(list(covered)).encode()).hexdigest()[:_DIGITS]


def _random() -> str:
    return secrets.token_hex(_DIGITS // 2)


def _file_name(number: int) -> str:
    return f"{number:05}.xml.gz"


def _make_private(folder: Path) -> None:
    """Make the folder; in a folder for all, another user may have made one to read along."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    is_private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if not is_private or status.st_uid != os.getuid():
        raise NotNowError(
            f"{folder} must be a folder that the user of this server alone can read; remove it"
        )


@contextmanager
def _not_now_without_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotNowError(
            f"the list of files cannot be gathered in {tempfile.gettempdir()}: "
            f"{error.strerror or error}; make room there, and try again"
        ) from error
