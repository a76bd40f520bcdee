"""The files within a scope, as entries of a plain resource list.

*Unknown is not none*: a client may delete what a list lacks. So a file that is known by name is
listed even if it cannot be read now (its data set is archived, a disk is not mounted), and there is
no list at all if there are files whose names cannot be known now. Only a client that asks for what
can be fetched now gets a list without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

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

# Why none of the files of a data set can be read now.
_AWAY = frozenset({Reason.ARCHIVED, Reason.NOT_MOUNTED, Reason.NOT_HARVESTED})

_HASHES = (
    (SHA256, "sha-256:", re.compile("[0-9a-f]{64}")),
    (MD5, "md5:", re.compile("[0-9a-f]{32}")),
)

# Data sets and files that an error names.
_SHOWN = 20


class ListedFiles:
    """``fetchable_only``: without all files that are known or guessed not to be readable now."""

    def __init__(
        self, publication: Publication, snapshot: Snapshot, scope: Scope, *, fetchable_only: bool
    ) -> None:
        self._publication = publication
        self._addresses = set_addresses(publication.addresses)
        self._snapshot = snapshot
        self._scope = scope
        self._fetchable_only = fetchable_only
        self._mentioned: set[str] = set()
        self._nameless: list[str] = []
        self._number_of_nameless = 0

    def entries(self) -> Iterator[bytes]:
        """All entries, each file once. Raises `NotNowError` behind the last one if names of files
        cannot be known now."""
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
        if self._nameless and not self._fetchable_only:
            raise self._not_now()

    def _of_data_set(self, data_set: Entity) -> Iterator[bytes]:
        # Files of LINK data sets lie elsewhere, and CONTAINER ones have none of their own.
        if data_set.data_set_kind is not DataSetKind.PHYSICAL:
            return
        for mark in _marks(data_set, Part.FILES):
            if mark.reason in _AWAY and self._fetchable_only:
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
        if self._fetchable_only and any(_marks(holder, Part.ATTACHMENTS)):
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
        if len(self._nameless) < _SHOWN:
            detail = f": {mark.detail}" if mark.detail else ""
            self._nameless.append(f"{what} ({mark.reason}{detail})")

    def _not_now(self) -> NotNowError:
        more = ", and others" if self._number_of_nameless > _SHOWN else ""
        return NotNowError(
            f"the files of {self._number_of_nameless} data sets or texts cannot be listed now: "
            f"{', '.join(self._nameless)}{more}. A client could take them for deleted, so there is "
            "no list. Make them readable again (unarchive them, mount the disk), or ask with "
            "?unseen=left-out for a list of what can be fetched now, with a client that deletes "
            "nothing"
        )


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
