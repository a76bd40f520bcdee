"""Step 5: attachments, holder by holder, holders that lost their last one included.

Contents are fetched first and named by their checksum; then the rows of a holder are replaced
together. If one content of a holder cannot be brought, the holder keeps what it has, and fails
alone.

An original openBIS lists attachments without an address of their contents: it serves them only to
its own harvester. Then title, description and version arrive, and the report says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harvester.openbis.destination.port.files import HeldVersion, Holder, Key
from harvester.openbis.inspecting import irreparable, not_ours_to_look_after
from harvester.openbis.steps.deletions import remove_files
from harvester.openbis.sync_run import SyncRun
from harvester.openbis.transfers.transfers import WantedContent
from harvester.runs.report import Outcome, Verb
from shared.checkpoints import checkpoint
from shared.errors import ItemError
from shared.model.kinds import ATTACHMENT_HOLDERS

_WHAT = "ATTACHMENT"
_HOLDERS = frozenset(kind.value for kind in ATTACHMENT_HOLDERS)


def register_attachments(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    # A list that may lack items does not say what will never come.
    if not run.metadata.deletions_unsafe:
        with run.transaction():  # before anything else is brought, here or in later steps
            run.destination.file_work.drop_abandoned(run.transfers.abandon, run.limits.progressed)
    with run.transaction():
        run.destination.attachments.announce()
        differing = run.destination.attachments.differing()
        damaged = _damaged(run, {(holder.kind, holder.perm_id) for holder in differing})
    run.progress.expect(len(differing) + len(damaged))
    for holder in [*differing, *damaged]:
        run.progress.advance()
        if (holder.kind, holder.perm_id) in run.paused:
            outcome.postponed.append((holder.kind, holder.perm_id))
            continue
        if not run.limits.may_begin():
            run.limits.note_left()
            break
        try:
            if holder in damaged:
                _repair(run, outcome, holder)
            else:
                _synchronise(run, outcome, holder)
        except ItemError as error:
            outcome.fail(error)
    with run.transaction():
        remove_files(run)
    _tell_of_the_rest(run, outcome, [*differing, *damaged])
    return outcome


def _damaged(run: SyncRun, but: Collection[Key]) -> list[Holder]:
    """Holders whose contents must be checked although the list has not changed."""
    asked = {key for key in run.requested if key[0] in _HOLDERS}
    wanted = (asked | {key for key in run.damage.faults if key[0] in _HOLDERS}) - set(but)
    return run.destination.attachments.holders_of(wanted)


def _repair(run: SyncRun, outcome: Outcome, holder: Holder) -> None:
    """Bring contents again that are damaged here; the rows stay."""
    with run.transaction():
        incoming = run.destination.attachments.listed(holder)
    named = {held.version.sha256 for held in incoming}
    for held in incoming:
        if _bring(run, outcome, holder, held):
            outcome.note(Verb.UPDATED, _WHAT, (f"{holder.identifier} {held.file_name}",))
    faults = run.damage.faults.get((holder.kind, holder.perm_id), {})
    if lost := [text for sha256, text in faults.items() if sha256 not in named]:
        raise irreparable(holder.kind, holder.perm_id, "; ".join(lost))


def _tell_of_the_rest(run: SyncRun, outcome: Outcome, holders: Sequence[Holder]) -> None:
    """Report what is damaged here or asked for, and is not in the list."""
    seen = {(str(holder.kind), holder.perm_id) for holder in holders}
    lost = {key for key in run.damage.faults if key[0] in _HOLDERS} - seen
    with run.transaction():
        # The damage was found before step 2, which may have deleted the item meanwhile.
        lost = run.destination.file_work.still_here(lost)
    for kind, perm_id in sorted(lost):
        outcome.fail(irreparable(kind, perm_id, run.damage.text(kind, perm_id)))
    known = {holder.perm_id for holder in holders} | {perm_id for _, perm_id in lost}
    asked = {perm_id for kind, perm_id in run.requested if kind in _HOLDERS}
    for perm_id in sorted(asked - known):
        outcome.remark(not_ours_to_look_after(_WHAT, perm_id))
    if kept := run.transfers.set_aside():
        outcome.remark(kept)


def _synchronise(run: SyncRun, outcome: Outcome, holder: Holder) -> None:
    with run.transaction():
        incoming = run.destination.attachments.listed(holder)
        stored = run.destination.attachments.stored(holder)
    for held in incoming:
        _bring(run, outcome, holder, held)
    checkpoint("attachments are in place, and have no rows", holder.identifier)
    with run.transaction():
        run.destination.attachments.replace(holder, incoming)
    _note(outcome, holder, stored, incoming)


def _bring(run: SyncRun, outcome: Outcome, holder: Holder, held: HeldVersion) -> bool:
    """Bring a content; whether that was needed."""
    name = f"{held.file_name} (version {held.version.version})"
    if held.version.sha256 is None:
        outcome.remark(f"{holder.identifier}: the list does not say where to get attachment {name}")
        return False
    return run.transfers.attachment(
        WantedContent(
            kind=holder.kind,
            perm_id=holder.perm_id,
            name=f"attachment {name}",
            length=held.version.length,
            sha256=held.version.sha256,
            href=held.version.href,
        )
    )


def _note(
    outcome: Outcome, holder: Holder, stored: Sequence[HeldVersion], brought: Sequence[HeldVersion]
) -> None:
    """Count by file name, as the original does: more versions are created ones, other versions an
    update, a file name that is gone a deletion (harvester-semantics.md, 3.5)."""
    before, after = _by_name(stored), _by_name(brought)
    for name in sorted(before.keys() | after.keys()):
        what = f"{holder.identifier} {name}"
        if name not in after:
            outcome.note(Verb.DELETED, _WHAT, (what,))
        elif len(after[name]) > len(before.get(name, ())):
            outcome.note(Verb.CREATED, _WHAT, (what,))
        elif after[name] != before[name]:
            outcome.note(Verb.UPDATED, _WHAT, (what,))


def _by_name(versions: Sequence[HeldVersion]) -> dict[str, list[HeldVersion]]:
    found: dict[str, list[HeldVersion]] = {}
    for held in versions:
        found.setdefault(held.file_name, []).append(held)
    return found
