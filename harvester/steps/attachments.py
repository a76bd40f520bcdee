"""Step 5: attachments, holder by holder; also where a holder lost its last one.

Contents are fetched first and named by their checksum; then the rows of a holder are replaced as
one. A holder whose content cannot be brought keeps what it has, and fails alone.

An original openBIS announces attachments without saying where their contents are: it gives them
only to its own harvester. Then title, description and version arrive, and the report says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from harvester.fetching.transfers import WantedContent
from harvester.report import Outcome, Verb
from harvester.run import SyncRun
from harvester.steps.deletions import remove_files
from shared.errors import ItemError
from shared.store.arrivals import (
    ATTACHMENT,
    announce_attachments,
    drop_abandoned,
    forget_arrivals,
)
from shared.store.attachments import (
    HeldVersion,
    Holder,
    differing_holders,
    incoming_versions,
    replace_versions,
    stored_versions,
)

_WHAT = "ATTACHMENT"


def register_attachments(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    if not run.metadata.deletions_unsafe:
        with run.transaction():  # before anything else is brought, here or in later steps
            drop_abandoned(run.connection, run.source, run.transfers.abandon, moved=run.leash.moved)
    with run.transaction():
        announce_attachments(run.connection, run.source)
        holders = differing_holders(run.connection, run.source)
    run.progress.expect(len(holders))
    for holder in holders:
        run.progress.advance()
        if (holder.kind, holder.perm_id) in run.paused:
            outcome.postponed.append((holder.kind, holder.perm_id))
            continue
        if not run.leash.may_fetch:
            break
        try:
            _synchronise(run, outcome, holder)
        except ItemError as error:
            outcome.fail(error)
    with run.transaction():
        remove_files(run)
    return outcome


def _synchronise(run: SyncRun, outcome: Outcome, holder: Holder) -> None:
    with run.transaction():
        incoming = incoming_versions(run.connection, holder)
        stored = stored_versions(run.connection, holder)
    for held in incoming:
        _bring(run, outcome, holder, held)
    with run.transaction():
        replace_versions(run.connection, holder, incoming)
        contents = {held.version.sha256 for held in incoming if held.version.sha256}
        forget_arrivals(run.connection, run.source, ATTACHMENT, contents)
    _note(outcome, holder, stored, incoming)


def _bring(run: SyncRun, outcome: Outcome, holder: Holder, held: HeldVersion) -> None:
    name = f"{held.file_name} (version {held.version.version})"
    if held.version.sha256 is None:
        outcome.remark(f"{holder.identifier}: the list does not say where to get attachment {name}")
        return
    run.transfers.attachment(
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
    """Count by file name, as the original does (semantics, 3.5): more versions are created ones,
    other versions an update, a file name that is gone a deletion."""
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
