"""Step 1: reads the metadata of the data source into the incoming tables.

The items of a source are read once, as they come. A list that was cut never gets further than this
module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from harvester.openbis.list_remarks import remarks_on_list
from harvester.openbis.names import Names
from harvester.openbis.source.items import (
    BegunAnewError,
    Doubt,
    KnowingSource,
    NoSharedSamples,
    SourceItem,
    find_master_data,
)
from harvester.openbis.sync_run import Metadata
from harvester.openbis.unchanged import begin_reading, digest_of
from shared.checkpoints import checkpoint
from shared.errors import FormatError, ItemError
from shared.model.entities import Entity, ServiceFile
from shared.model.ids import Code, PermId
from shared.model.kinds import FACTS, Kind
from shared.model.limits import EARLIEST_AT, LATEST, name_of_fault, shortened
from shared.model.master_data import MasterData
from shared.resourcesync.items import ListHead, RecordFault
from shared.store.doubles import SetApart
from shared.store.engine import viewing
from shared.store.incoming import Incoming
from shared.store.kept_list import KeptList
from shared.store.kept_rows import ReadInFullError
from shared.store.known_entries import KnownEntries

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)

# Bytes of the kind of a record that cannot be read: it may be any text.
_LONGEST_KIND = 100
_OBSERVED = 1000


def _nobody(_count: int) -> None:
    pass


def read_metadata(
    items: Iterable[SourceItem],
    connection: Connection,
    prefix: str | None,
    observe: Callable[[int], None] = _nobody,
    kept: KeptList | None = None,
) -> Metadata:
    """Fill the incoming tables of the connection with the items of a source, in the names of the
    destination. ``observe`` is called after a fixed number of items, and may raise. If the source
    begins anew, the items are read from the beginning. Raises `FormatError` if they are not
    whole.

    ``kept``: what the last list said. An entry that is in it byte for byte is not read again; the
    result is the same."""
    while True:
        try:
            if kept and isinstance(items, KnowingSource):
                return _read_what_is_new(items, prefix, connection, observe, kept)
            return _read_all(_Reading(items, prefix), connection, observe)
        except (BegunAnewError, ReadInFullError):
            if kept:
                kept.begin_anew()


def _read_all(
    reading: _Reading, connection: Connection, observe: Callable[[int], None]
) -> Metadata:
    reading.incoming = Incoming(connection)
    _take(reading, reading.items, observe)
    return _finish(reading, connection)


def _read_what_is_new(
    items: KnowingSource,
    prefix: str | None,
    connection: Connection,
    observe: Callable[[int], None],
    kept: KeptList,
) -> Metadata:
    """The same, except of entries that are known."""
    reading = _Reading(items, prefix)
    reading.incoming, known = begin_reading(connection, kept, observe, reading.definitions)
    reading.known = known
    _take(reading, items.except_known(known), observe)
    metadata = _finish(reading, connection, known.gone())
    if reading.may_be_kept:
        kept.is_read(
            master_data=digest_of(reading.master_data),
            generation=known.end(),
            total_bytes=reading.incoming.bytes,
        )
    return metadata


def _take(reading: _Reading, items: Iterable[SourceItem], observe: Callable[[int], None]) -> None:
    """Read the items. No transaction is open meanwhile: a list may take hours to come."""
    for number, item in enumerate(items, 1):
        reading.take(item)
        if number % _OBSERVED == 0:
            observe(_OBSERVED)


def _finish(reading: _Reading, connection: Connection, gone: Iterable[int] = ()) -> Metadata:
    checkpoint("the list is read")
    reading.drop(reading.incoming.finish(gone))
    with viewing(connection):
        remarks = list(remarks_on_list(connection))
    return reading.metadata(remarks)


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    items: Iterable[SourceItem]
    prefix: str | None
    incoming: Incoming = field(init=False)
    known: KnownEntries | None = None
    at: datetime | None = None
    afs_url: str | None = None
    # Types of AFS data that the list does not define.
    afs_types: set[Code] = field(default_factory=set)
    master_data: MasterData | None = None
    names: Names | None = None
    types: Mapping[Kind, frozenset[Code]] = field(default_factory=dict)
    entities: int = 0
    faults: list[ItemError] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    lacks_shared_samples: bool = False
    # Not if the list has something twice, since that has left the tables and its entries cannot be
    # told from others; nor if it defines again, otherwise, what it has defined before.
    may_be_kept: bool = True

    def take(self, item: SourceItem) -> None:
        match item:
            case Entity():
                self._take_entity(item)
            case ServiceFile():
                self._take_service_file(item)
            case RecordFault():
                self._take_fault(ItemError(item.kind, item.perm_id, item.reason))
            case MasterData():
                self._define(item)
            case Doubt():
                self.doubts.append(item.reason)
            case NoSharedSamples():
                self.lacks_shared_samples = True
            case ListHead():
                # the first part of a split list counts
                self.at = self.at or _possible(item.at)
                self.afs_url = self.afs_url or item.afs_url
                self.incoming.add_unknown(item.unknown)  # a second head may stand at the end

    def definitions(self) -> MasterData | None:
        """Those of the list, wherever they stand."""
        self._known_names()
        return self.master_data

    def drop(self, doubles: SetApart) -> None:
        """Count items that the list has twice as items that could not be read."""
        if doubles.records:
            self.may_be_kept = False
        self.entities -= doubles.records
        self.faults.extend(doubles.faults)

    def _take_entity(self, entity: Entity) -> None:
        names = self._known_names()
        try:
            self._check_type(entity)
            self.incoming.add(names.translate_entity(entity))
        except ItemError as error:
            self._take_fault(ItemError(entity.kind, entity.perm_id, error.reason))
        else:
            self.entities += 1
            if self.known:
                self.known.read(self.incoming.position)

    def _take_service_file(self, file: ServiceFile) -> None:
        try:
            self.incoming.add_service_file(file)
        except ItemError as error:
            self._take_fault(error)
        else:
            self.entities += 1

    def _known_names(self) -> Names:
        if self.names is None:
            # The original's first version sorts its list by address: definitions come later.
            self._define(find_master_data(self.items))
        if self.names is None:
            raise FormatError("the resource list has entities but no master data")
        return self.names

    def _check_type(self, entity: Entity) -> None:
        if not entity.type or entity.type in self.types[entity.kind]:
            return
        if entity.is_afs:  # openBIS 7 lists their type only if they are listed as data sets, too
            self.afs_types.add(entity.type)
            if self.known:  # only an entry that is read says so
                self.known.forget()
        else:
            reason = f"its type {entity.type} is not defined in the list's master data"
            raise ItemError(entity.kind, entity.perm_id, reason)

    def _take_fault(self, error: ItemError) -> None:
        """``error`` names the record as the source does; here it may be known under another
        name."""
        error = ItemError(
            name_of_fault(error.kind, _LONGEST_KIND),
            name_of_fault(error.perm_id),
            shortened(error.reason),
        )
        self.incoming.add_fault(error.kind, self._perm_id_here(error.kind, error.perm_id))
        self.faults.append(error)

    def _perm_id_here(self, kind: str, perm_id: str) -> str:
        # The fault keeps what is here from being deleted, so it must have the perm id of here,
        # which differs for these two kinds alone.
        if not self.prefix or kind not in {Kind.SPACE, Kind.MATERIAL}:
            return perm_id
        code, _, type_code = perm_id.removesuffix(")").rpartition(" (")
        record = Entity(
            kind=Kind(kind),
            perm_id=PermId(perm_id),
            code=Code(code or perm_id),
            type=Code(type_code) if code else None,
            registered=_ANY_TIME,
            modified=_ANY_TIME,
        )
        return self._known_names().translate_entity(record).perm_id

    def _define(self, master_data: MasterData) -> None:
        # The definitions come a second time where `_known_names` has looked ahead for them.
        if self.master_data == master_data:
            return
        if self.master_data is not None:
            self.may_be_kept = False
            if self.known and self.known.count:
                raise ReadInFullError("the list has several definitions")
        self.names = Names.of(master_data, self.prefix)
        self.types = {kind: frozenset(t.code for t in master_data.types_of(kind)) for kind in FACTS}
        self.master_data = master_data

    def metadata(self, remarks: list[str]) -> Metadata:
        if self.at is None or self.names is None or self.master_data is None:
            raise FormatError("the resource list has no master data")
        unchanged = self.known.count if self.known else 0
        return Metadata(
            at=self.at,
            afs_url=self.afs_url,
            master_data=self.names.translate_master_data(self.master_data),
            undefined_types=frozenset(map(self.names.type_code, self.afs_types)),
            entities=self.entities + unchanged,
            unchanged=unchanged,
            faults=tuple(self.faults),
            remarks=(*self.doubts, *remarks),
            deletions_unsafe=self._doubt(),
            lacks_shared_samples=self.lacks_shared_samples,
        )

    def _doubt(self) -> str | None:
        nameless = [f for f in self.faults if f.kind not in set(Kind) or not f.perm_id]
        doubts = list(self.doubts)
        if nameless:
            doubts.append(
                f"{len(nameless)} records could not be read so far that it could be said what "
                "they describe"
            )
        return "; ".join(doubts) or None


def _possible(at: datetime) -> datetime:
    if EARLIEST_AT <= at <= LATEST:
        return at
    raise FormatError(
        f"the list says that it was made at {at.isoformat()}, which is before 1970 or after 9999; "
        "set the clock of the data source"
    )
