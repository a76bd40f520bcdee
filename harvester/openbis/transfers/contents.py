"""Fetches contents of attachments and files of the file service in the real pass, verifies them and
puts them in place. A file that lies in a place already is read and compared, never trusted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harvester.http.retries import OutOfReachError
from harvester.openbis.destination.arrivals import ATTACHMENT, FILE
from harvester.openbis.source.source import Source
from harvester.openbis.transfers.set_aside import SetAside
from harvester.openbis.transfers.transfers import (
    WantedContent,
    attachment_name,
    is_right,
    service_path,
)
from harvester.runs.stopping import RunLimits
from shared.atomic_file import name_aside, sync_folder, write_durably, written_aside
from shared.checkpoints import checkpoint
from shared.edges import OnError
from shared.errors import ItemError, SourceError
from shared.store.files import DataStore
from shared.verification import VerificationError


@dataclass(frozen=True, slots=True)
class Contents:
    """``alias`` names the section, so that two sections can write the same file at the same
    time."""

    store: DataStore
    source: Source
    alias: str
    limits: RunLimits
    aside: SetAside

    def attachment(self, wanted: WantedContent) -> bool:
        """See `Transfers.attachment`. Contents are named by their checksum, so sections share
        them."""
        name = attachment_name(wanted)
        target = self.store.attachment(name)
        if is_right(target, wanted.length, name, self.limits.progressed):
            return False
        with _blamed(wanted, self.limits), written_aside(target, self.alias) as fetched:
            self._fetch(wanted, fetched)
            # another section may have brought the same meanwhile
            if os.path.lexists(target) and not is_right(target, wanted.length, name):
                self.aside.take(target, ATTACHMENT, name)
        return True

    def service_file(self, wanted: WantedContent) -> None:
        """See `Transfers.service_file`."""
        # Not `written_aside`: the file takes its place later, in a transaction with its row.
        target = service_path(self.store, wanted)
        fetched = name_aside(target, self.alias)
        with _blamed(wanted, self.limits):
            target.parent.mkdir(parents=True, exist_ok=True)
            # A killed run may have left it, and `Source.download` needs a path that is free.
            fetched.unlink(missing_ok=True)
            with OnError(partial(fetched.unlink, missing_ok=True)):
                if wanted.content is None:
                    self._fetch(wanted, fetched)
                else:
                    write_durably(fetched, wanted.content, like=target)

    def put_service_file(self, wanted: WantedContent, modified: float, *, keep: bool) -> None:
        """See `Transfers.put_service_file`."""
        target = service_path(self.store, wanted)
        fetched = name_aside(target, self.alias)
        with _blamed(wanted, self.limits):
            if os.path.lexists(target) and (keep or target.is_symlink() or not target.is_file()):
                self.aside.take(target, FILE, wanted.name)
            # The time is set before the file is in place: nobody finds it there with another time.
            os.utime(fetched, (modified, modified))
            checkpoint("a file of the file service is about to be put in place", wanted.name)
            fetched.replace(target)
            sync_folder(target.parent)
            checkpoint("a file of the file service is in place", wanted.name)

    def drop_service_file(self, wanted: WantedContent) -> None:
        """See `Transfers.drop_service_file`."""
        name_aside(service_path(self.store, wanted), self.alias).unlink(missing_ok=True)

    def _fetch(self, wanted: WantedContent, target: Path) -> None:
        if wanted.href is None:
            raise VerificationError("the data source does not have its content")
        self.source.download(
            wanted.href, target, length=wanted.length, checksum=f"SHA256:{wanted.sha256}"
        )


@contextmanager
def _blamed(wanted: WantedContent, limits: RunLimits) -> Iterator[None]:
    """Make an error the item's, unless it ends the run."""
    try:
        yield
    except OutOfReachError:
        # Blamed on one item, a source out of reach would be waited for again with each other one.
        limits.check_urgent()
        raise
    except (VerificationError, SourceError, OSError) as error:
        limits.check_urgent()
        raise ItemError(wanted.kind, wanted.perm_id, f"{wanted.name}: {error}") from error
