"""The list of what a section selects at its source, whatever the version of that."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harvester.openbis.section import SectionConfig, SourceVersion
from harvester.openbis.source.items import BegunAnewError, KnowingSource, SourceItem
from harvester.openbis.source.peer import Peer, Recognised, recognise, wire_format_of
from harvester.openbis.source.resource_list import ListPart, ResourceList
from harvester.openbis.source.rooted_list import fetch_rooted
from harvester.openbis.source.source import Source
from harvester.openbis.source.spool import spool
from shared.blocks import WholeFile
from shared.errors import ConfigError, SourceError
from shared.model.master_data import MasterData
from shared.resourcesync.items import Known, ListHead

logger = logging.getLogger(__name__)


@contextmanager
def selected_list(
    source: Source, config: SectionConfig, log: logging.Logger = logger
) -> Iterator[SelectedList]:
    """The list of a section's source. It can be read at once, while it is being fetched, unless
    what is asked for depends on the version of the source."""
    with spool(config) as folder:
        selected = SelectedList(source, config, folder, log)
        if selected.asks_for_roots():
            yield selected
        else:
            with source.list_on_its_way(folder) as parts:
                yield selected.of(parts)


def whole_list(source: Source, config: SectionConfig, folder: Path) -> SelectedList:
    """The same, once all of it is here. The files are below the folder, which the caller
    removes."""
    selected = SelectedList(source, config, folder, logger)
    if not selected.asks_for_roots():
        selected.of([WholeFile(path) for path in source.fetch_list(folder)])
    return selected


@dataclass(slots=True)
class SelectedList:
    """The items of the list. If nothing at all is in a list that was asked for without roots, not
    even a definition, the source may be an openBIS 7; then what the section selects there takes its
    place, and the source has begun anew."""

    source: Source
    config: SectionConfig
    folder: Path
    log: logging.Logger
    # None: nothing depended on it.
    recognised: Recognised | None = None
    _items: Iterable[SourceItem] = ()
    _is_rooted: bool = False

    def of(self, parts: Sequence[ListPart]) -> SelectedList:
        """Take a list that was asked for without roots."""
        self._items = ResourceList(parts, wire_format_of(Peer.OPENBIS_20))
        return self

    def asks_for_roots(self) -> bool:
        """Whether the source has been asked for roots, as an openBIS 7. It is asked what it is only
        if the section has roots. Raises `ConfigError` if they would have no effect there."""
        roots = self.config.exportable_perm_ids
        if not roots and self.config.source_version is SourceVersion.AUTO:
            return False
        found = self._recognise()
        if found.peer is Peer.OPENBIS_7:
            self._ask_for_roots()
        elif roots:
            raise ConfigError(
                f"[{self.config.name}] exportable-perm-ids: the data source is {found}; it would "
                "not select by them. Use space-white-list, or set source-version = 7 if it is an "
                "openBIS 7"
            )
        return self._is_rooted

    def __iter__(self) -> Iterator[SourceItem]:
        return self.except_known(None)

    def except_known(self, known: Known | None) -> Iterator[SourceItem]:
        """All items except those of ``known`` entries. Lists of openBIS 7 are put together from
        several answers, so nothing in them is known."""
        is_empty = not self._is_rooted
        items = self._items
        for item in items.except_known(known) if isinstance(items, KnowingSource) else items:
            is_empty = is_empty and _says_nothing(item)
            yield item
        if is_empty and not (known and known.count) and self._turns_out_as_openbis_7():
            self._ask_for_roots()
            raise BegunAnewError

    def _ask_for_roots(self) -> None:
        self._items = fetch_rooted(self.source, self.config, self.folder, self.log)
        self._is_rooted = True

    def _turns_out_as_openbis_7(self) -> bool:
        """A source that does not say what it is has an empty list, as ever."""
        try:
            return self._recognise().peer is Peer.OPENBIS_7
        except SourceError as error:
            self.log.info("The list is empty, and the data source does not say why: %s", error)
            return False

    def _recognise(self) -> Recognised:
        self.recognised = recognise(self.source, self.config)
        self.log.info("The data source is %s", self.recognised)
        return self.recognised


def _says_nothing(item: SourceItem) -> bool:
    if isinstance(item, MasterData):
        # The flags say how the list was written, not what the source has.
        return replace(item, type_groups_are_whole=True, is_detailed=True) == MasterData()
    return isinstance(item, ListHead)
