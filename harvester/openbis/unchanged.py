"""Entries of a list that have not changed since the last run are not read again.

What their rows depend on besides their bytes is the context: the program that reads, the settings
that change what is read, and the master data of the list. If any of it has changed, the list is
read in full; so it is every ``full-sync-interval`` days, and by ``audit``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

from sqlalchemy import Connection

from harvester.openbis.section import SectionConfig
from shared.model.master_data import MasterData
from shared.store.engine import viewing
from shared.store.incoming import Incoming
from shared.store.kept_list import KeptList, drop_kept_list, kept_list
from shared.store.kept_rows import ReadInFullError, resume
from shared.store.known_entries import EntryOrder, KnownEntries

# Where the code lies that makes rows from the bytes of a list.
_PACKAGES = ("shared", "harvester.openbis")


@contextmanager
def kept(
    connection: Connection, config: SectionConfig, now: datetime, *, in_full: bool
) -> Iterator[KeptList | None]:
    """What the last list of the section said. ``in_full``: it does not count, and this one is
    read from end to end."""
    if not config.skip_unchanged_entries:
        drop_kept_list(connection, config.alias)
        yield None
        return
    with kept_list(connection, config.alias, _context(config), now) as found:
        if found and found.before and (in_full or _is_due(found.before.read_in_full, config, now)):
            found.begin_anew()
        yield found


def digest_of(master_data: MasterData | None) -> str:
    return _digest(repr(master_data))


def begin_reading(
    connection: Connection,
    kept: KeptList,
    observe: Callable[[int], None],
    master_data: Callable[[], MasterData | None],
) -> tuple[Incoming, KnownEntries]:
    """The incoming tables and the known entries. ``master_data`` gives those of the list that is
    read, wherever they stand in it; when they are others than those of the last list, nothing is
    known: then the first known entry raises `ReadInFullError`."""
    before = kept.before
    if before is None:
        incoming = Incoming(connection, kept=True)
        now = EntryOrder(connection, generation=1)
        return incoming, KnownEntries(iter(()), frozenset(), now, observe)
    with viewing(connection):
        resumed = resume(connection, before.bytes)

    def confirm() -> None:
        if digest_of(master_data()) != before.master_data:
            raise ReadInFullError("the master data have changed")

    earlier = EntryOrder(connection, before.generation).entries()
    now = EntryOrder(connection, before.generation + 1)
    known = KnownEntries(earlier, resumed.touched, now, observe, confirm)
    return Incoming(connection, kept=True, resumed=resumed), known


def _is_due(read_in_full: str, config: SectionConfig, now: datetime) -> bool:
    try:
        age = now - datetime.fromisoformat(read_in_full)
    except (ValueError, TypeError):
        return True
    # A time to come is that of a clock that was wrong.
    return not timedelta() <= age < timedelta(days=config.full_sync_interval)


def _context(config: SectionConfig) -> str:
    return _digest(f"{_code()} {sys.version} {version('lxml')} {config.prefix}")


@cache
def _code() -> str:
    """A digest of the code, so that an installation from sources notices each of its changes."""
    digest = blake2b(digest_size=16)
    for package in _PACKAGES:
        for file in _sources(files(package)):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith((".py", ".sql")):
            yield entry


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
