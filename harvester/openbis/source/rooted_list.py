"""What the roots of a section select at an openBIS 7, as one list.

Each root is asked for by itself (openbis-7-sync.md, 2.3). A further request names all roots: a list
cuts the connections of samples to what it has itself, so only that one has those between samples of
two roots.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harvester.http.retries import PassingError
from harvester.openbis.roots import Root, key_of
from harvester.openbis.section import SectionConfig
from harvester.openbis.source.items import Doubt, NoSharedSamples, SourceItem
from harvester.openbis.source.list_documents import rooted_list
from harvester.openbis.source.merging import MergedList
from harvester.openbis.source.peer import Peer, wire_format_of
from harvester.openbis.source.resource_list import ResourceList
from harvester.openbis.source.source import Source
from harvester.openbis.source.spaces import space_roots
from shared.blocks import WholeFile
from shared.errors import ConfigError, FormatError, SourceError
from shared.model.entities import Entity
from shared.resourcesync.items import RecordFault
from shared.resourcesync.roots import ENTITY_ROOTS

_FAILED = 500
_ADVICE = (
    "a shared sample, or a property with several values, in the selection makes openBIS 7 fail; "
    "look at its log, and leave out in exportable-perm-ids what leads to it"
)


def fetch_rooted(
    source: Source, config: SectionConfig, folder: Path, log: logging.Logger
) -> Iterable[SourceItem]:
    """Fetch the lists of all roots. They are files below the folder, which the caller removes, and
    can be read any number of times. Raises `ConfigError` if nothing is selected."""
    roots = roots_of(source, config)
    log.info("Roots at the data source: %s", ", ".join(map(str, roots)))
    below = config.with_levels_below or not config.exportable_perm_ids
    asked: list[Root | None] = [*roots, None] if len(roots) > 1 else [*roots]
    answers = source.fetch_answers(
        (rooted_list(config, (root,) if root else roots, below=below) for root in asked), folder
    )
    lists = [_answer(root, answers) for root in asked]
    return lists[0] if len(lists) == 1 else MergedList(lists)


def _answer(root: Root | None, answers: Iterator[Sequence[Path]]) -> _Answer:
    """The next answer, for one root or, if that is None, for all."""
    name = f"root {root}" if root else "the list of all roots together"
    with _naming(name):
        files = [WholeFile(path) for path in next(answers)]
    return _Answer(ResourceList(files, wire_format_of(Peer.OPENBIS_7)), name, root)


def roots_of(source: Source, config: SectionConfig) -> tuple[Root, ...]:
    """The roots of the section, or the spaces that it selects. Raises `ConfigError` if it selects
    nothing."""
    if config.exportable_perm_ids:
        return tuple(root for root in config.exportable_perm_ids if root.kind in ENTITY_ROOTS)
    if not (config.space_white_list or config.space_black_list):
        raise ConfigError(
            f"[{config.name}] exportable-perm-ids is missing: the data source is an openBIS 7, "
            "which lists only what exportable-perm-ids names; nothing is deleted meanwhile"
        )
    if config.data_source_openbis_url is None:
        raise ConfigError(
            f"[{config.name}] data-source-openbis-url is missing: the data source is an openBIS 7, "
            "which lists only what exportable-perm-ids names; with that URL the spaces of "
            "space-white-list and space-black-list are looked up there"
        )
    return space_roots(source, config)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Adds the name of the list to errors about it."""
    try:
        yield
    except (SourceError, FormatError) as error:
        failed = isinstance(error, PassingError) and error.status == _FAILED
        error.args = (f"{name}: {error}{f'; {_ADVICE}' if failed else ''}",)
        raise


@dataclass(frozen=True, slots=True)
class _Answer:
    """The list that one request was answered with. If it was asked for one root, that should be in
    it: openBIS 7 leaves out without a word what does not exist or is not visible."""

    items: Iterable[SourceItem]
    name: str
    root: Root | None

    def __iter__(self) -> Iterator[SourceItem]:
        missing = self.root
        with _naming(self.name):
            for item in self.items:
                if missing and _is(item, missing):
                    missing = None
                yield item
        yield NoSharedSamples()
        if missing:
            yield Doubt(
                f"exportable-perm-ids: {missing} is not in its own list, so the data source does "
                "not have it any more, or its user may not see it; if it is gone on purpose, "
                "remove it from exportable-perm-ids"
            )


def _is(item: SourceItem, root: Root) -> bool:
    # A root whose record cannot be read is there all the same.
    return isinstance(item, Entity | RecordFault) and key_of(item.kind, item.perm_id) == root.key
