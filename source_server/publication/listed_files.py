"""The files within a scope, as entries of a plain resource list.

*Unknown is not none*: a client may delete what a list lacks. So a file that is known by name is
listed even if it cannot be read now (its data set is archived, a disk is not mounted). Files whose
very names are not known now cannot be listed. They are left out, and logged, as long as only some
data sets lack theirs, since an instance may have such data sets for years. If a whole disk is
away, there is no list. `Unseen` has what a client can choose instead.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from shared.errors import NotNowError
from shared.model.entities import Attachment, Entity, ServiceFile
from shared.model.kinds import ENTITY_KINDS, DataSetKind, Kind
from shared.model.unknown import Part, Reason, Unknown
from shared.resourcesync.set_documents import file_entry
from shared.resourcesync.terms import MD5, SHA256
from source_server.publication.catalogue import Scope, Snapshot
from source_server.publication.published import Publication
from source_server.publication.resource_sets import set_addresses
from source_server.publication.service_files import mentions_in, texts_of, texts_of_master_data
from source_server.publication.unseen import Foreseeing

# Why none of the files of a data set can be read now.
_AWAY = frozenset({Reason.ARCHIVED, Reason.NOT_MOUNTED, Reason.NOT_HARVESTED})

_HASHES = (
    (SHA256, "sha-256:", re.compile("[0-9a-f]{64}")),
    (MD5, "md5:", re.compile("[0-9a-f]{32}")),
)

# Data sets and files that an error names.
_SHOWN = 20

_log = logging.getLogger(__name__)


class Unseen(StrEnum):
    """What becomes of files that cannot be read now."""

    # Those that are known by name are listed.
    LISTED = "listed"
    # None of them is listed, so that all of the list can be fetched.
    LEFT_OUT = "left-out"
    # As LISTED, but there is no list if a single one is not known by name.
    REFUSED = "refused"


class ListedFiles:
    """The files of one list."""

    def __init__(
        self, publication: Publication, snapshot: Snapshot, scope: Scope, unseen: Unseen
    ) -> None:
        self._publication = publication
        self._addresses = set_addresses(publication.addresses)
        self._snapshot = snapshot
        self._scope = scope
        self._unseen = unseen
        self._mentioned: set[str] = set()
        self._nameless: list[str] = []
        self._number_of_nameless = 0
        # The parts of which nameless files lie in a folder that is not there.
        self._without_folder: set[Part] = set()

    def entries(self) -> Iterator[bytes]:
        """All entries, each file once. Raises `NotNowError` behind the last one if there must be no
        list for want of others."""
        master_data = self._snapshot.master_data()
        self._mentioned.update(mentions_in(texts_of_master_data(master_data)))
        for kind in ENTITY_KINDS:
            for entity in self._snapshot.entities(kind, self._scope):
                self._mentioned.update(mentions_in(texts_of(entity)))
                if kind is Kind.DATA_SET:
                    yield from self._of_data_set(entity)
                elif entity.attachments:
                    yield from self._of_holder(entity)
        yield from self._of_file_service()
        self._judge_nameless()

    def _of_data_set(self, data_set: Entity) -> Iterator[bytes]:
        # Files of LINK data sets lie elsewhere, and CONTAINER ones have none of their own.
        if data_set.data_set_kind is not DataSetKind.PHYSICAL:
            return
        for mark in _marks(data_set, Part.FILES):
            if mark.reason in _AWAY and self._unseen is Unseen.LEFT_OUT:
                return
            if mark.reason not in _AWAY or not data_set.files:
                self._note(f"data set {data_set.code}", mark)
        for file in data_set.files:
            address = self._addresses.data_set_file(
                data_set.code, file.path, is_afs=data_set.is_afs
            )
            # openBIS never changes a file of a data set that is registered.
            modified = file.modified or data_set.registered
            yield from _entry(address, modified, file.length, _digest(file.checksum))

    def _of_holder(self, holder: Entity) -> Iterator[bytes]:
        if self._unseen is Unseen.LEFT_OUT and any(_marks(holder, Part.ATTACHMENTS)):
            return
        for attachment in holder.attachments:
            yield from self._of_attachment(holder, attachment)

    def _of_attachment(self, holder: Entity, attachment: Attachment) -> Iterator[bytes]:
        for version in attachment.versions:
            # Without a checksum there is no content (yet).
            if version.sha256 is not None:
                address = self._addresses.attachment(
                    holder.kind, holder.perm_id, version.version, attachment.file_name
                )
                modified = version.registered or holder.registered
                yield from _entry(address, modified, version.length, f"sha-256:{version.sha256}")

    def _of_file_service(self) -> Iterator[bytes]:
        """The files that texts mention. One that is not in the folder may never have been there;
        only an empty folder tells that it is not mounted."""
        for path in sorted(self._mentioned):
            file = self._publication.service_files.find(path)
            if isinstance(file, ServiceFile):
                if self._is_spoiled(file):
                    self._note(f"file service: {path}", _spoiled())
                else:
                    address = self._addresses.service_file(path)
                    yield from _entry(address, file.modified, file.length, f"sha-256:{file.sha256}")
            elif file is Reason.NOT_MOUNTED:
                self._note(f"file service: {path}", Unknown(part=Part.FILE_SERVICE, reason=file))

    def _is_spoiled(self, file: ServiceFile) -> bool:
        """Whether a harvested file has been changed here since."""
        known = self._snapshot.service_file_checksum(file.path)
        return known is not None and known != file.sha256

    def _note(self, what: str, mark: Unknown) -> None:
        self._number_of_nameless += 1
        if mark.reason is Reason.NOT_MOUNTED:
            self._without_folder.add(mark.part)
        if len(self._nameless) < _SHOWN:
            detail = f": {mark.detail}" if mark.detail else ""
            self._nameless.append(f"{what} ({mark.reason}{detail})")

    def _judge_nameless(self) -> None:
        if not self._nameless:
            return
        more = ", and others" if self._number_of_nameless > _SHOWN else ""
        what = (
            f"the files of {self._number_of_nameless} data sets or texts cannot be listed now: "
            f"{', '.join(self._nameless)}{more}"
        )
        if self._unseen is Unseen.REFUSED or (
            self._unseen is Unseen.LISTED and self._is_a_disk_away()
        ):
            raise NotNowError(
                f"{what}. A client could take them for deleted, so there is no list. Make them "
                "readable again (mount the disk, unarchive them), or ask with "
                f"?unseen={Unseen.LEFT_OUT} for what can be fetched now, with a client that "
                "deletes nothing"
            )
        _log.warning("list of files: %s", what)

    def _is_a_disk_away(self) -> bool:
        """Whether a data store cannot be seen at all, or the folder of the file service is there
        but empty, as a mount point is; and nameless files lie there."""
        lacks, service_files = self._without_folder, self._publication.service_files
        if Part.FILE_SERVICE in lacks and service_files.is_empty():
            return True
        catalogue = self._publication.catalogue
        foreseen = catalogue.unseen() if isinstance(catalogue, Foreseeing) else ()
        return Part.FILES in lacks and any(each.startswith(Reason.NOT_MOUNTED) for each in foreseen)


def _marks(entity: Entity, part: Part) -> Iterator[Unknown]:
    """Why the part is unknown. Names that no list can carry never were in one."""
    return (
        mark for mark in entity.unknown if mark.part is part and mark.reason is not Reason.BAD_NAME
    )


def _spoiled() -> Unknown:
    return Unknown(
        part=Part.FILE_SERVICE, reason=Reason.UNREADABLE, detail="changed since it was harvested"
    )


def _entry(
    address: str | None, modified: datetime, length: int | None, digest: str | None
) -> Iterator[bytes]:
    if address is not None:
        yield file_entry(address, modified, length, digest)


def _digest(checksum: str | None) -> str | None:
    """The checksum in the words of ResourceSync; None for kinds that it does not know."""
    for prefix, name, form in _HASHES:
        if checksum and checksum.startswith(prefix):
            digits = checksum.removeprefix(prefix).lower()
            return f"{name}{digits}" if form.fullmatch(digits) else None
    return None
