"""The resource list, as byte chunks.

It is read from one snapshot and written while it is read. Nothing of it is kept in memory but the
paths of the file-service files that it mentions. If something fails halfway, the iterator raises;
the caller must then cut the answer off, so that no client takes the list for whole.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from shared.errors import ItemError
from shared.model.entities import Entity, ServiceFile
from shared.model.ids import Code, PermId
from shared.model.kinds import ENTITY_KINDS, Kind
from shared.model.master_data import DataType
from shared.model.unknown import Reason
from shared.resourcesync.writer import RESOURCE_LIST_TAIL, resource_list_head, unknown_at_the_end
from source_server.publication.catalogue import Catalogue, Scope, Snapshot
from source_server.publication.published import Publication, Visible
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


def resource_list(
    publication: Publication, visible: Visible, selection: Selection
) -> Generator[bytes, None, None]:
    """The list in chunks; the first one comes before any entity is read."""
    with publication.catalogue.snapshot() as snapshot:
        scope = selection.within(visible(snapshot))
        yield resource_list_head(publication.addresses, snapshot.at).encode()
        chunks = _chunks(_Body(publication, snapshot, scope).entries())
        while (chunk := _next(chunks, publication.catalogue)) is not None:
            yield chunk


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

    def __init__(self, publication: Publication, snapshot: Snapshot, scope: Scope) -> None:
        self._publication = publication
        self._addresses = publication.addresses
        self._writer = publication.wire_format.writer
        self._snapshot = snapshot
        self._scope = scope
        self._mentioned: set[str] = set()
        self._texts: frozenset[Code] = frozenset()
        self._unseen = Unseen()

    def entries(self) -> Iterator[bytes]:
        yield self._master_data().encode()
        for kind in ENTITY_KINDS:
            entities = self._snapshot.entities(kind, self._scope)
            yield from self._samples(entities) if kind is Kind.SAMPLE else self._plain(entities)
        yield from self._files()
        yield unknown_at_the_end(self._unseen.of_the_list()).encode()
        yield RESOURCE_LIST_TAIL.encode()
        self._unseen.log()

    def _master_data(self) -> str:
        master_data = self._snapshot.master_data()
        self._texts = frozenset(
            each.code for each in master_data.property_types if each.data_type in _OF_TEXTS
        )
        self._mentioned.update(mentions_in(texts_of_master_data(master_data)))
        return self._writer.master_data(self._addresses, master_data, self._snapshot.at)

    def _plain(self, entities: Iterable[Entity]) -> Iterator[bytes]:
        """Written one by one: a data set may have a million files."""
        for entity in entities:
            yield self._written([entity], {})

    def _samples(self, samples: Iterator[Entity]) -> Iterator[bytes]:
        """Written in batches: samples name their data sets, which are looked up by batch."""
        while batch := list(islice(samples, _SAMPLES)):
            data_sets = self._snapshot.data_set_connections(
                [sample.perm_id for sample in batch], self._scope
            )
            for start in range(0, len(batch), _ENTRIES):
                yield self._written(batch[start : start + _ENTRIES], data_sets)

    def _written(
        self, entities: Sequence[Entity], data_sets: Mapping[PermId, Sequence[Code]]
    ) -> bytes:
        addresses, texts, write = self._addresses, self._texts, self._writer.entity
        entries = b"".join(
            [
                write(addresses, entity, data_sets.get(entity.perm_id, ()), texts)
                for entity in entities
            ]
        )
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
