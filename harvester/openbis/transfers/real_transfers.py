"""The transfers of the real pass: fetch from the source, verify, put in place."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

from harvester.http.retries import OutOfReachError
from harvester.openbis.destination.arrivals import DATA_SET, Abandoned
from harvester.openbis.destination.file_work import FileEffects, StoreFiles
from harvester.openbis.destination.moving import link_or_copy
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.afs import AfsAwayError, AfsChangedError
from harvester.openbis.source.source import Source
from harvester.openbis.transfers.arrived import Arrived
from harvester.openbis.transfers.arriving import Arriving
from harvester.openbis.transfers.contents import Contents
from harvester.openbis.transfers.fetching import Fetching
from harvester.openbis.transfers.guard import (
    compare_bytes,
    expected,
    is_the_same,
    present_file,
    refuse_loss,
)
from harvester.openbis.transfers.leftovers import Leftovers
from harvester.openbis.transfers.set_aside import SetAside
from harvester.openbis.transfers.transfers import (
    Arrival,
    WantedContent,
    WantedDataSet,
    check_files,
    is_occupied,
    is_strange,
)
from harvester.runs.stopping import RunLimits
from shared.checkpoints import checkpoint
from shared.errors import ItemError, SourceError, StoppedError
from shared.file_times import set_file_time
from shared.model.entities import FileNode
from shared.model.kinds import Kind
from shared.paths import told_with_path
from shared.store.files import DataStore
from shared.verification import VerificationError


class RealTransfers:
    """Fetches from the source, ``max-threads`` files at a time, and writes to the data store.

    A file that comes with other bytes than announced is asked for ``retries-on-failure`` times
    more; `Source` itself repeats requests that fail.

    If the run is to end, files that are being fetched are finished, unless it is urgent, and no
    other is begun. A data set that is then incomplete does not arrive, which is no failure; its
    files are kept.
    """

    def __init__(
        self,
        store: DataStore,
        source: Source,
        config: SectionConfig,
        limits: RunLimits,
        afs_url: str | None = None,
    ) -> None:
        """``afs_url``: the address of AFS that the list names."""
        self._store = store
        self._source = source
        self._fetching = Fetching(source, config.retries_on_failure, afs_url)
        self._alias = config.alias
        self._threads = min(config.max_threads, config.max_connections_per_source)
        self._limits = limits
        self._leftovers = Leftovers(config.partial_folder)
        self._aside = SetAside.of(store, config.alias)
        self._arrived = Arrived(store, self._leftovers, self._aside)
        self._contents = Contents(store, source, config.alias, limits, self._aside)
        self._all_is_here = True
        self._has_ended = False
        self._counting = Lock()
        self._lost: OutOfReachError | None = None

    def data_sets(self, wanted: Iterable[WantedDataSet]) -> Iterator[Arrival]:
        """Raises `SourceError` if the source went out of reach, after all that came before."""
        self._leftovers.collect(self._store.temporary)
        self._store.clear_temporary()
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="transfer")
        try:
            yield from self._arrivals(wanted, pool)
        finally:
            pool.shutdown(cancel_futures=True)
        if self._lost and not self._limits.reason:
            raise self._lost
        self._leftovers.tidy(all_is_here=self._all_is_here)
        self._source.tidy_partials(all_is_here=self._all_is_here)
        self._has_ended = True

    def _arrivals(
        self, wanted: Iterable[WantedDataSet], pool: ThreadPoolExecutor
    ) -> Iterator[Arrival]:
        """Keep twice as many files in the queue as there are threads, across data sets."""
        tasks = self._tasks(wanted)
        flying = 0
        landed: SimpleQueue[Future[Arriving | None]] = SimpleQueue()
        while True:
            window = list(islice(tasks, 2 * self._threads - flying))
            for arriving, task in window:
                if isinstance(task, ItemError):
                    self._all_is_here = False
                    yield arriving.wanted.code, task
                else:
                    flying += 1
                    pool.submit(self._deal_with, arriving, task).add_done_callback(landed.put)
            if not flying and not window:  # a window may hold nothing but refused data sets
                return
            if flying:
                flying -= 1
                if whole := landed.get().result():
                    yield from self._finish(whole)

    def _tasks(
        self, wanted: Iterable[WantedDataSet]
    ) -> Iterator[tuple[Arriving, FileNode | ItemError]]:
        for data_set in wanted:
            if self._lost or not self._limits.may_begin():
                self._limits.note_left()
                self._all_is_here = False
                return
            arriving = Arriving(data_set, Path(), len(data_set.files))
            try:
                check_files(data_set)
                arriving.folder = self._store.new_data_set(data_set.code)
                arriving.replaces = self._store.data_set_folder(data_set.code).is_dir()
            except ItemError as error:
                yield arriving, error
                continue
            except OSError as error:
                reason = f"there is no place to download it to: {error}"
                yield arriving, ItemError(Kind.DATA_SET, data_set.code, reason)
                continue
            if not data_set.files:
                arriving.missing = 1
                yield arriving, FileNode(path="", length=0)
            for file in data_set.files:
                yield arriving, file

    def _deal_with(self, arriving: Arriving, file: FileNode) -> Arriving | None:
        """Fetch a file. After its last file the data set is returned."""
        self._fetch(arriving, file)
        with self._counting:
            arriving.missing -= 1
            if arriving.missing:
                return None
        if arriving.error is None and not arriving.left:
            self._complete(arriving)
        return arriving

    def _fetch(self, arriving: Arriving, file: FileNode) -> None:
        if arriving.error or arriving.left or not file.path:
            return  # the data set is not to arrive any more, or has no files at all
        code = arriving.wanted.code
        target = arriving.folder / file.path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if self._take_over(arriving, file, target):
                return
            if self._is_left(arriving):
                arriving.left = True
                self._limits.note_left()
                return
            came = self._fetching.fetch(code, file, target)
            if not expected(file).proves and (present := self._present(arriving, file)):
                guarded = arriving.wanted.guarded.get(file.path)
                compare_bytes(present, guarded, file, came, self._limits.progressed)
            if file.modified is not None:  # a file system without such times can continue nothing
                arriving.can_be_continued &= set_file_time(target, file.modified)
        except StoppedError:
            arriving.left = True
        except (VerificationError, SourceError, OSError) as error:
            self._note_failure(arriving, file, error)

    def _is_left(self, arriving: Arriving) -> bool:
        """Whether the next file is left to the next run. If what has come so far would have to be
        fetched again, the data set is finished, however large it is; else it would never be
        complete."""
        if self._lost or self._limits.reason:
            return True
        return self._limits.is_full and arriving.can_be_continued

    def _note_failure(
        self, arriving: Arriving, file: FileNode, error: VerificationError | SourceError | OSError
    ) -> None:
        """Note the failure of an item, but raise what ends the run."""
        if isinstance(error, OutOfReachError):
            self._lost = error
        if self._lost or self._limits.urgent_reason:
            arriving.left = True
            return
        arriving.takes_room |= isinstance(error, OSError)
        reason = f"file {file.path}: {told_with_path(error, self._store.root)}"
        waits = isinstance(error, AfsAwayError | AfsChangedError)
        arriving.error = ItemError(Kind.DATA_SET, arriving.wanted.code, reason, waits=waits)

    def _take_over(self, arriving: Arriving, file: FileNode, target: Path) -> bool:
        """Use a file that is here already if its checksum is right: an unchanged file of a changed
        data set, or one that an earlier run has brought of an incomplete one."""
        code, moved = arriving.wanted.code, self._limits.progressed
        if present := self._present(arriving, file):
            if is_the_same(present, file, moved):
                checkpoint("an unchanged file is about to be linked", f"{code}/{file.path}")
                link_or_copy(present, target)
                return True
            if expected(file).proves:
                refuse_loss(present, arriving.wanted.guarded.get(file.path), file, moved)
        return self._leftovers.take(code, file, target, moved)

    def _present(self, arriving: Arriving, file: FileNode) -> Path | None:
        if not arriving.replaces:
            return None
        return present_file(self._store, arriving.wanted.code, file.path)

    def _finish(self, arriving: Arriving) -> Iterator[Arrival]:
        """End a data set whose files were all dealt with; yield it unless it is left to the next
        run."""
        if arriving.error or arriving.left:
            self._all_is_here = False
            if not arriving.takes_room:
                self._leftovers.keep(arriving.folder)
        if arriving.takes_room:
            shutil.rmtree(arriving.folder, ignore_errors=True)
            self._leftovers.forget(arriving.wanted.code)
        if not (arriving.error or arriving.left):
            self._arrived.add(arriving.wanted.code, arriving.folder)
        if arriving.error or not arriving.left:
            yield arriving.wanted.code, arriving.error

    def _complete(self, arriving: Arriving) -> None:
        code = arriving.wanted.code
        try:
            for folder in arriving.wanted.folders:
                (arriving.folder / folder).mkdir(parents=True, exist_ok=True)
            self._store.complete_data_set(code, arriving.folder)
        except OSError as error:
            arriving.takes_room = True
            arriving.error = ItemError(Kind.DATA_SET, code, f"cannot be put in place: {error}")

    def install(self, code: str, *, keep: bool) -> None:
        self._arrived.install(code, keep=keep)

    def replaces_more(self, code: str, brought: Collection[str] = ()) -> bool:
        return self._arrived.replaces_more(code, brought)

    def secure(self) -> Sequence[ItemError]:
        return self._arrived.secure()

    def give_up(self, code: str, *, for_now: bool = False) -> None:
        self._arrived.give_up(code, for_now=for_now)

    def settle(self) -> None:
        self._arrived.settle()
        if self._has_ended:  # what the last ones leave behind
            self._leftovers.tidy(all_is_here=self._all_is_here)

    def attachment(self, wanted: WantedContent) -> bool:
        return self._contents.attachment(wanted)

    def service_file(self, wanted: WantedContent) -> None:
        self._contents.service_file(wanted)

    def put_service_file(self, wanted: WantedContent, modified: float, *, keep: bool) -> None:
        self._contents.put_service_file(wanted, modified, keep=keep)

    def drop_service_file(self, wanted: WantedContent) -> None:
        self._contents.drop_service_file(wanted)

    def set_aside(self) -> str | None:
        return self._aside.remark()

    def service_file_is_strange(self, path: str, sha256: str) -> bool:
        return is_strange(self._store, path, sha256)

    def is_occupied(self, code: str) -> bool:
        return is_occupied(self._store, code)

    def abandon(self, one: Abandoned) -> None:
        StoreFiles(self._store, self._alias).abandon(one, self._aside.take)
        if one.area == DATA_SET and not one.needed:
            self._leftovers.drop(one.name, self._store.temporary)

    @property
    def files(self) -> FileEffects:
        return StoreFiles(self._store)
