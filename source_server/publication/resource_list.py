"""The resource list, as byte chunks.

It is read from one snapshot and written while it is read. Nothing of it is kept in memory but the
paths of the file-service files that it mentions. If something fails halfway, the iterator raises;
the caller must then cut the answer off, so that no client takes the list for whole.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain, islice

from shared.errors import ItemError
from shared.model.entities import Entity, ServiceFile
from shared.model.ids import Code
from shared.model.kinds import ENTITY_KINDS, Kind
from shared.model.master_data import DataType
from shared.model.unknown import Reason
from shared.resourcesync.writer import RESOURCE_LIST_TAIL, resource_list_head, unknown_at_the_end
from source_server.publication.afs_blocks import AfsBlocks
from source_server.publication.catalogue import Catalogue, Scope, Snapshot
from source_server.publication.contents import Contents, RootedContents, WholeContents
from source_server.publication.published import Publication, Visible
from source_server.publication.roots import Roots
from source_server.publication.selection import Selection
from source_server.publication.service_files import (
    MARK,
    mentions_in,
    texts_of,
    texts_of_master_data,
)
from source_server.publication.unseen import Unseen

# Bytes that are gathered before they are sent. Each chunk changes threads twice, which empties the
# processor's cache.
_CHUNK = 1024 * 1024

_MARK = MARK.encode()

# Number of samples that are written together.
_ENTRIES = 100

# Samples whose data sets are looked up with one query.
_SAMPLES = 500

# Data types that take any text, so also that of several values.
_OF_TEXTS = frozenset({DataType.VARCHAR, DataType.MULTILINE_VARCHAR})
# Kinds that may have data sets or AFS data.
_OWNERS = frozenset({Kind.EXPERIMENT, Kind.SAMPLE})


def resource_list(
    publication: Publication, visible: Visible, selection: Selection
) -> Generator[bytes, None, None]:
    """The list in chunks; the first one comes before any entity is read, but what the roots lead to
    is known by then: an error about them is still answered as one."""
    with publication.catalogue.snapshot() as snapshot:
        scope = selection.within(visible(snapshot))
        contents = _contents(publication, snapshot, scope, selection.roots)
        yield resource_list_head(publication.addresses, snapshot.at).encode()
        chunks = _chunks(_Body(publication, snapshot, contents).entries())
        while (chunk := _next(chunks, publication.catalogue)) is not None:
            yield chunk


def _contents(publication: Publication, snapshot: Snapshot, scope: Scope, roots: Roots) -> Contents:
    if not publication.by_roots:
        return WholeContents(snapshot, scope)
    catalogue, sums = publication.catalogue, publication.md5_sums
    named = publication.addresses.afs_url is not None
    with catalogue.turn():
        afs = AfsBlocks(catalogue, snapshot, scope, sums) if named else None
        return RootedContents(snapshot, scope, roots, afs)


def _next(chunks: Iterator[bytes], catalogue: Catalogue) -> bytes | None:
    with catalogue.turn():
        return next(chunks, None)


def _chunks(entries: Iterable[bytes]) -> Iterator[bytes]:
    """Join the entries to chunks of about the same size."""
    gathered: list[bytes] = []
    size = 0
    for entry in entries:
        gathered.append(entry)
        size += len(entry)
        if size >= _CHUNK:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)


class _Body:
    """The entries of one resource list, and its tail."""

    def __init__(self, publication: Publication, snapshot: Snapshot, contents: Contents) -> None:
        self._publication = publication
        self._addresses = publication.addresses
        self._writer = publication.wire_format.writer
        self._snapshot = snapshot
        self._contents = contents
        self._mentioned: set[str] = set()
        self._texts: frozenset[Code] = frozenset()
        self._unseen = Unseen()

    def entries(self) -> Iterator[bytes]:
        yield self._master_data().encode()
        for kind in ENTITY_KINDS:
            entities = self._contents.entities(kind)
            yield from self._owners(entities) if kind in _OWNERS else self._plain(entities)
        # Behind all entities, since their texts say which files are mentioned.
        yield from self._files()
        yield unknown_at_the_end(self._unseen.of_the_list()).encode()
        yield RESOURCE_LIST_TAIL.encode()
        self._unseen.log()

    def _master_data(self) -> str:
        master_data = self._contents.master_data()
        self._texts = frozenset(
            each.code for each in master_data.property_types if each.data_type in _OF_TEXTS
        )
        self._mentioned.update(mentions_in(texts_of_master_data(master_data)))
        return self._writer.master_data(self._addresses, master_data, self._snapshot.at)

    def _plain(self, entities: Iterable[Entity]) -> Iterator[bytes]:
        """Written one by one: a data set may have a million files."""
        for entity in entities:
            yield self._written([entity], [self._entry(entity, ())])

    def _owners(self, owners: Iterator[Entity]) -> Iterator[bytes]:
        """Written in batches: samples name their data sets, and both may have AFS data, which are
        looked up by batch."""
        while batch := list(islice(owners, _SAMPLES)):
            is_sample = batch[0].kind is Kind.SAMPLE
            perm_ids = [owner.perm_id for owner in batch]
            data_sets = self._contents.data_sets_of(perm_ids) if is_sample else {}
            for start in range(0, len(batch), _ENTRIES):
                some = batch[start : start + _ENTRIES]
                afs = self._contents.afs_of(perm_ids[start : start + _ENTRIES])
                yield self._written(
                    some,
                    [
                        self._entry(one, data_sets.get(one.perm_id, ()), afs.get(one.perm_id))
                        for one in some
                    ],
                )

    def _entry(self, entity: Entity, data_sets: Sequence[Code], afs: Entity | None = None) -> bytes:
        if afs is None or self._writer.owner is None:
            return self._writer.entity(self._addresses, entity, data_sets, self._texts)
        return self._writer.owner(self._addresses, entity, data_sets, self._texts, afs)

    def _written(self, entities: Sequence[Entity], written: Iterable[bytes]) -> bytes:
        entries = b"".join(written)
        if _MARK in entries:  # it is written as it is, so most entities need no closer look
            self._mentioned.update(mentions_in(chain.from_iterable(map(texts_of, entities))))
        self._unseen.note(entity for entity in entities if entity.unknown)
        return entries

    def _files(self) -> Iterator[bytes]:
        """A mentioned file that cannot be listed makes the file service unknown: it is not certain
        whether the text or the folder is wrong. So does a harvested file whose content has changed
        since: it was spoiled here."""
        for path in sorted(self._mentioned):
            file = self._publication.service_files.find(path)
            try:
                if isinstance(file, Reason):
                    self._unseen.note_service_file(path, file)
                elif file is not None and self._is_spoiled(file):
                    self._unseen.note_service_file(path, Reason.UNREADABLE)
                elif file is not None:
                    yield self._writer.service_file(self._addresses, file)
            except ItemError:
                self._unseen.note_service_file(path, Reason.BAD_NAME)

    def _is_spoiled(self, file: ServiceFile) -> bool:
        known = self._snapshot.service_file_checksum(file.path)
        return known is not None and known != file.sha256
