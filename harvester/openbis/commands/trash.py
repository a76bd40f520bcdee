"""``harvester trash``: lists, restores and purges what was deleted."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from harvester.commands.listing import print_json, print_table
from harvester.commands.memory import destination
from harvester.openbis.destination.restoring import Restoration, Wish, marked, unmark
from harvester.openbis.destination.trash import Deletion, TrashItem, deletions, items
from harvester.openbis.destination.trashing import TrashKeeper
from harvester.openbis.section import SectionConfig
from harvester.settings.chosen import Chosen
from shared.errors import ConfigError, ItemError
from shared.plain_lines import say
from shared.store.engine import changing, viewed
from shared.store.loss_kinds import Loss

_HEADINGS = ("#deletion", "section", "#run", "deleted (UTC)", "what", "#bytes", "purged (UTC)")


def trash(options: argparse.Namespace) -> int:
    """Returns the exit code of the chosen action."""
    return _ACTIONS[options.action](options)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDeletion:
    """A line of the list; ``purged_on`` is None if the section is not configured."""

    number: int
    section: str
    run: int | None
    deleted: datetime
    counts: dict[str, int]
    bytes: int
    purged_on: datetime | None


def _list(options: argparse.Namespace) -> int:
    with destination(options) as (chosen, engine), viewed(engine) as connection:
        if options.restored:
            return _print_items(marked(connection), options)
        found = deletions(connection)
        if options.deletion is not None:
            _the_deletion(found, options.deletion)
            return _print_items(items(connection, options.deletion), options)
    aliases = {section.alias for section in chosen.sections}
    wanted = [one for one in found if not options.section or one.source in aliases]
    listed = [_listed(one, chosen) for one in wanted]
    if options.json:
        print_json(listed)
    else:
        print_table(_HEADINGS, [_row(one) for one in listed])
    return 0


def _print_items(found: Iterable[TrashItem], options: argparse.Namespace) -> int:
    """Print each item as it is read, since there may be a million."""
    if options.json:
        print_json(list(found))
        return 0
    for item in found:
        say(f"{item.kind} {item.perm_id} {item.identifier}")
    return 0


def _listed(deletion: Deletion, chosen: Chosen) -> ListedDeletion:
    days = (
        s.trash_retention_days for s in chosen.of_kind(SectionConfig) if s.alias == deletion.source
    )
    retention = next(days, None)
    return ListedDeletion(
        number=deletion.number,
        section=deletion.section,
        run=deletion.run,
        deleted=deletion.deleted,
        counts=deletion.counts,
        bytes=deletion.bytes,
        purged_on=None if retention is None else deletion.deleted + timedelta(days=retention),
    )


def _row(one: ListedDeletion) -> tuple[object, ...]:
    what = ", ".join(f"{number:,} {kind}" for kind, number in one.counts.items())
    return one.number, one.section, one.run, one.deleted, what, one.bytes, one.purged_on


def _the_deletion(found: Sequence[Deletion], number: int) -> Deletion:
    for deletion in found:
        if deletion.number == number:
            return deletion
    raise ConfigError(
        f"there is no deletion {number} in the trash; 'harvester trash list' shows what there is"
    )


def _restore(options: argparse.Namespace) -> int:
    wish = Wish(
        deletion=options.deletion,
        kind=options.kind,
        perm_ids=tuple(options.perm_id),
        containers=options.with_containers,
    )
    with destination(options) as (chosen, engine):
        deletion = _the_deletion(_all_deletions(engine), options.deletion)
        keeper = _keeper(chosen, engine, [deletion])
        restoration = keeper.restore(deletion.source, wish)
    for line in _outcome_lines(deletion, restoration):
        say(line)
    return ItemError.exit_code if restoration.refusals else 0


def _outcome_lines(deletion: Deletion, restoration: Restoration) -> Iterator[str]:
    for refusal in restoration.refusals:
        item = refusal.item
        name = item.perm_id
        if item.identifier != name:
            name += f" ({item.identifier})"
        yield f"[{deletion.section}] not restored: {item.kind} {name}: {refusal.reason}"
    for item in restoration.left:
        yield (
            f"[{deletion.section}] note: texts mention {item.kind} {item.perm_id}, which stays in "
            "the trash; restore it too, with --kind FILE --perm-id"
        )
    for kind, number in restoration.counts.items():
        yield f"[{deletion.section}] {number:>9} {kind} restored"
    if restoration.counts.keys() & set(Loss):
        yield (
            f"[{deletion.section}] restored contents stay until the data source shows them again; "
            "'harvester release' ends that"
        )
    if restoration.counts.keys() - set(Loss):
        yield (
            f"[{deletion.section}] what is restored stays until the data source has it again; "
            "'harvester trash follow' ends that"
        )


def _follow(options: argparse.Namespace) -> int:
    if not options.kind and not options.perm_id:
        raise ConfigError("say which: --kind, --perm-id, or both")
    with destination(options) as (_, engine), changing(engine) as connection:
        found = [
            item
            for item in marked(connection)
            if options.kind in {None, item.kind}
            and (not options.perm_id or item.perm_id in options.perm_id)
        ]
        if not found:
            raise ConfigError(
                "nothing of that is restored; 'harvester trash list --restored' shows what is"
            )
        for item in found:
            unmark(connection, item.kind, item.perm_id)
    for item in found:
        say(f"{item.kind} {item.perm_id} {item.identifier} follows its data source again")
    return 0


def _purge(options: argparse.Namespace) -> int:
    if not options.deletion and options.older_than is None:
        raise ConfigError("say what to purge: numbers of deletions, or --older-than '7 d'")
    with destination(options) as (chosen, engine):
        found = _all_deletions(engine)
        wanted = [_the_deletion(found, number) for number in sorted(set(options.deletion))]
        if options.older_than is not None:
            before = datetime.now(UTC) - options.older_than
            wanted = [one for one in wanted or found if one.deleted < before]
        _keeper(chosen, engine, wanted).purge(wanted)
    for one in wanted:
        say(f"[{one.section}] deletion {one.number} is purged: {one.bytes:,} bytes")
    if not wanted:
        say("nothing to purge")
    return 0


def _all_deletions(engine: Engine) -> list[Deletion]:
    with viewed(engine) as connection:
        return deletions(connection)


def _keeper(chosen: Chosen, engine: Engine, wanted: Sequence[Deletion]) -> TrashKeeper:
    """Raises `ConfigError` for a section at fault: its settings say where its files lie."""
    known = {section.alias for section in chosen.sections}
    for one in wanted:
        if chosen.faults and one.source not in known:
            raise ConfigError(
                f"the settings of section [{one.section}] cannot be read; correct them first, see "
                "'harvester check-config'"
            )
    sections = chosen.of_kind(SectionConfig)
    return TrashKeeper(engine=engine, settings=chosen.settings, sections=sections)


_ACTIONS = {"list": _list, "restore": _restore, "follow": _follow, "purge": _purge}
