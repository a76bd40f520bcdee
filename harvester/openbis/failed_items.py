"""The items that failed before this run, and those that fail in it. The destination's memory keeps
how often and when; operators write into the ``not-synced-entities-file``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from harvester.memory.failures import FailedItem, failed_items, remember_failures
from harvester.openbis.not_synced import NotSynced, read_not_synced, write_not_synced
from harvester.openbis.section import SectionConfig
from harvester.runs.harvested import Harvested
from shared.errors import ItemError
from shared.model.ids import PermId
from shared.model.kinds import ATTACHMENT_HOLDERS, Kind
from shared.store.engine import work


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What failed before this run, and what operators want to leave out."""

    file: NotSynced
    # Their pause is not over.
    waiting: tuple[FailedItem, ...]
    # Stand in the file without having failed: an operator wrote them there.
    requested: frozenset[tuple[str, str]]

    # Failed before: perhaps because files were damaged here and could not be brought again.
    looked_after: frozenset[tuple[str, str]] = frozenset()

    @property
    def to_look_after(self) -> frozenset[tuple[str, str]]:
        """Items whose files here are compared with what the list says."""
        return self.looked_after | self.requested

    @property
    def black_list(self) -> frozenset[str]:
        return frozenset(self.file.black_listed)

    @property
    def paused(self) -> frozenset[tuple[str, str]]:
        return frozenset((item.kind, item.perm_id) for item in self.waiting)


def standing(
    connection: Connection, config: SectionConfig, now: datetime, *, at_once: bool = False
) -> Standing:
    """Read what failed before. ``at_once``: ignore pauses. Raises `ConfigError` if the file cannot
    be read."""
    file = read_not_synced(config.not_synced_entities_file)
    known = failed_items(connection, config.alias)
    failed = {(item.kind, item.perm_id) for item in known}
    holders = {(kind.value, one) for kind in ATTACHMENT_HOLDERS for one in file.attachments}
    return Standing(
        file=file,
        waiting=tuple(item for item in known if item.next_try > now and not at_once),
        requested=frozenset(item for item in file.failed if item not in failed) | holders,
        looked_after=frozenset(failed),
    )


def postponed(items: Standing, done: Harvested) -> list[ItemError]:
    """Failures whose pause is not over: the last pass did not try them although they are to be
    done."""
    keys = set(done.last.postponed if done.last else ())
    return [
        ItemError(
            item.kind,
            item.perm_id,
            f"{item.reason} (failed {item.attempts} times; not tried again before "
            f"{item.next_try:%Y-%m-%d %H:%M} UTC, or after 'harvester retry')",
        )
        for item in items.waiting
        if (item.kind, item.perm_id) in keys
    ]


def remember(
    connection: Connection, config: SectionConfig, items: Standing, done: Harvested
) -> None:
    """Note in the memory and in the file what failed; to be called after a real pass only."""
    waiting = {(error.kind, error.perm_id) for error in done.waiting}
    # What was not tried must not count as one more failure, which would prolong its pause.
    errors = [error for error in done.failed if error not in done.waiting]
    with work(connection) as transaction, transaction():
        remember_failures(connection, config.alias, errors, datetime.now(UTC), waiting=waiting)
    # The kind of a record that cannot be read may be any text, for which the file has no line.
    failed = {(Kind(e.kind), PermId(e.perm_id)) for e in done.failed if e.kind in set(Kind)}
    left = replace(items.file, failed=frozenset(failed), attachments=frozenset())
    write_not_synced(config.not_synced_entities_file, left)
