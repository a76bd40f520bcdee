"""Reasons to take deletions for an accident of the source, besides their number.

A list that is cut at its end may still be well-formed; a lost role, filter or share takes a whole
project or kind with it; and many small cuts can take everything together.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from harvester.openbis.sync_run import SyncRun
from harvester.runs.trusted_clock import dated, trusted

# The trash keeps things this long by default: what went within it can be restored.
_WINDOW = timedelta(days=30)
# Fewer deletions, or contents that are lost, within the window are never held back for being
# repeated.
_FEW = 10
_KEPT = timedelta(days=400)
_NAMED = 20


def suspicions(run: SyncRun, new: int, brought: int) -> Iterator[str]:
    """The reasons that apply; ``new`` of the ``brought`` items are newly gone."""
    guard = run.destination.guard
    if projects := guard.vanished_projects():
        named = [f"{one.identifier} ({one.inside} items)" for one in projects[:_NAMED]]
        more = len(projects) - len(named)
        yield (
            f"projects vanished with all that was in them: {', '.join(named)}"
            f"{f' and {more} more' if more else ''}; deleted on the source, or its user may not "
            "see them any more"
        )
    if run.metadata.entities and (kinds := guard.vanished_kinds()):
        named = [f"{number} {kind}" for kind, number in kinds.items()]
        yield (
            f"all of a kind vanished: {', '.join(named)}; the source may not show this kind any "
            "more, or its list was cut"
        )
    if run.metadata.lacks_shared_samples and (shared := guard.vanished_shared_samples()):
        yield (
            f"an openBIS 7 cannot list samples without a space, and {shared} of them are here; "
            "they may still be there"
        )
    agreed = trusted(datetime.now(UTC), run.metadata.at) or run.metadata.at
    yield from _repeated(run, new, brought, agreed - _WINDOW)
    yield from _decaying(run, agreed - _WINDOW)


def _repeated(run: SyncRun, new: int, brought: int, since: datetime) -> Iterator[str]:
    """Whether these, what earlier runs deleted without confirmation, and what waits are most of all
    items."""
    earlier = run.destination.guard.unconfirmed_since(since)
    waiting = run.destination.guard.waiting_count()
    largest, gone = max(earlier.largest, brought + waiting), earlier.number + waiting + new
    shrinks = 2 * (brought - new) < largest
    if gone > max(new, _FEW) and 2 * gone > largest and shrinks:
        yield (
            f"with these, {gone} of the {max(gone, largest)} items that this section once had here "
            f"were deleted within {_WINDOW.days} days without being confirmed, or wait"
        )


def _decaying(run: SyncRun, since: datetime) -> Iterator[str]:
    """The same for contents, kind by kind: an item that loses them is still in the list."""
    for decay in run.destination.guard.decay_since(since):
        if decay.lost > _FEW and 2 * decay.lost > decay.brought:
            yield (
                f"with these, {decay.lost} of the {decay.brought} {decay.what} that this section "
                f"once had here were lost or replaced within {_WINDOW.days} days without being "
                "confirmed, or wait"
            )


def remember(run: SyncRun) -> None:
    """Note what this run is about to delete, unless it was confirmed. To be called once the plan
    has the deletions and before they are made."""
    now, at = datetime.now(UTC), run.metadata.at
    if not run.deletions_confirmed:
        run.destination.guard.note_unconfirmed(dated(now, at))
    run.destination.guard.forget_unconfirmed((trusted(now, at) or at) - _KEPT)
