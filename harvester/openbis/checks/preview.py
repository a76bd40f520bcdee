"""Counts what a resource list shows, while it is read, and how much of it is not here yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from harvester.openbis.source.items import Doubt, SourceItem
from harvester.openbis.transfers.fetching import lies_in_afs
from harvester.runs.amounts import shown_size
from shared.errors import FormatError
from shared.model.entities import Attachment, Entity, FileNode, ServiceFile
from shared.model.kinds import DataSetKind, Kind
from shared.model.master_data import MasterData
from shared.model.unknown import Part
from shared.resourcesync.items import ListHead, RecordFault
from shared.store.files import DataStore

_AT_ONCE = 500
_NAMED = 3
_SMALL = 1 << 20
_WORDS = {
    Kind.SPACE: ("space", "spaces"),
    Kind.PROJECT: ("project", "projects"),
    Kind.EXPERIMENT: ("experiment", "experiments"),
    Kind.SAMPLE: ("sample", "samples"),
    Kind.DATA_SET: ("data set", "data sets"),
    Kind.MATERIAL: ("material", "materials"),
    Kind.FILE: ("file of the file service", "files of the file service"),
}

# Which of these codes are those of data sets that are here already.
Known = Callable[[Iterable[str]], set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallFile:
    """A small file for the trial download."""

    code: str
    file: FileNode


@dataclass(slots=True)
class Preview:
    """The counts. ``store`` is None if it is unknown what is here."""

    known: Known
    store: DataStore | None
    at: datetime | None = None
    master_data: MasterData | None = None
    spaces: set[str] = field(default_factory=set)
    counts: Counter[Kind] = field(default_factory=Counter)
    files: int = 0
    bytes: int = 0
    # How many of the data sets are AFS data.
    afs_data: int = 0
    new_data_sets: int = 0
    # Bytes of the data store, for what is not here yet.
    needed: int = 0
    # Bytes of the file service's folder.
    needed_by_service: int = 0
    unreadable: int = 0
    # Why what the list lacks may still be there.
    doubts: list[str] = field(default_factory=list)
    # The first records that cannot be read, with the reasons.
    examples: list[str] = field(default_factory=list)
    # Physical data sets of which the list does not show the files, by the reason that it gives.
    without_files: Counter[str] = field(default_factory=Counter)
    small: SmallFile | None = None
    # The same of the application file service (AFS), and its address.
    small_in_afs: SmallFile | None = None
    afs_url: str | None = None
    _data_sets: dict[str, int] = field(default_factory=dict)

    def take(self, items: Iterable[SourceItem]) -> None:
        """Count the items of a list. Raises `FormatError` if they are not whole."""
        for item in items:
            self._take(item)
        self._look_up()
        if self.master_data is None:
            raise FormatError("the resource list has no master data")

    def __str__(self) -> str:
        shown = [_counted(self.counts[kind], *words) for kind, words in _WORDS.items()]
        files = f" ({_counted(self.files, 'file', 'files')}, {shown_size(self.bytes)})"
        if self.afs_data:
            files = f"{files[:-1]}; AFS data of {_counted(self.afs_data, 'owner', 'owners')})"
        data_sets = list(_WORDS).index(Kind.DATA_SET)
        shown[data_sets] += files if self.files or self.afs_data else ""
        return f"as of {self.at:%Y-%m-%d %H:%M:%S} UTC: {', '.join(shown)}"

    @property
    def total(self) -> int:
        return self.counts.total() + self.unreadable

    def _take(self, item: SourceItem) -> None:
        match item:
            case Entity():
                self._take_entity(item)
            case ServiceFile():
                self._take_service_file(item)
            case RecordFault():
                self._take_fault(item)
            case MasterData():
                self.master_data = item
            case Doubt():
                self.doubts.append(item.reason)
            case ListHead():
                self.at = self.at or item.at  # the first part of a split list counts
                self.afs_url = self.afs_url or item.afs_url

    def _take_entity(self, entity: Entity) -> None:
        self.counts[entity.kind] += 1
        if space := entity.home[0]:
            self.spaces.add(space)
        self.needed += sum(map(self._missing, entity.attachments))
        if entity.kind is Kind.DATA_SET:
            self._take_files(entity)

    def _take_service_file(self, file: ServiceFile) -> None:
        self.counts[Kind.FILE] += 1
        if not self._has_service_file(file):
            self.needed_by_service += file.length

    def _take_fault(self, fault: RecordFault) -> None:
        self.unreadable += 1
        if len(self.examples) < _NAMED:
            self.examples.append(f"{fault.kind} {fault.perm_id}: {fault.reason}")

    def _take_files(self, data_set: Entity) -> None:
        physical = data_set.data_set_kind is DataSetKind.PHYSICAL
        files = data_set.files if physical else ()  # files of other data sets are not fetched
        self.afs_data += data_set.is_afs
        if physical:
            self._note_missing(data_set)
        size = sum(file.length for file in files)
        self.files += len(files)
        self.bytes += size
        self._data_sets[data_set.perm_id] = size
        for file in files:
            if not lies_in_afs(file):
                self.small = _smaller(self.small, data_set, file)
            elif file.length:  # an empty one is not asked for
                self.small_in_afs = _smaller(self.small_in_afs, data_set, file)
        if len(self._data_sets) >= _AT_ONCE:
            self._look_up()

    def _note_missing(self, data_set: Entity) -> None:
        reasons = {mark.reason for mark in data_set.unknown if mark.part is Part.FILES}
        if reasons:
            self.without_files[min(reasons)] += 1
        elif not data_set.files and not data_set.is_afs:  # AFS data may be empty
            self.without_files["no reason given"] += 1

    def _look_up(self) -> None:
        """Look up which of the data sets read so far are new."""
        new = self._data_sets.keys() - self.known(self._data_sets)
        self.new_data_sets += len(new)
        self.needed += sum(self._data_sets[code] for code in new)
        self._data_sets.clear()

    def _missing(self, attachment: Attachment) -> int:
        """Bytes of an attachment's versions that are not here. The original gives no sizes."""
        return sum(
            version.length or 0
            for version in attachment.versions
            if not (
                self.store and version.sha256 and self.store.attachment(version.sha256).exists()
            )
        )

    def _has_service_file(self, file: ServiceFile) -> bool:
        with suppress(ValueError, OSError):
            return bool(
                self.store and self.store.service_file(file.path).stat().st_size == file.length
            )
        return False


def _smaller(found: SmallFile | None, data_set: Entity, file: FileNode) -> SmallFile | None:
    """The file, if it is smaller than the one that was found so far, or small enough."""
    if file.length <= (found.file.length - 1 if found else _SMALL):
        return SmallFile(code=data_set.code, file=file)
    return found


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
