"""Step 6: files of the file service: pictures and documents that texts mention.

Paths carry no alias, so two sections can name the same file: with the same content it is shared,
with another one the second section fails for that file, and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from harvester.openbis.destination.arrivals import (
    FILE,
    announce,
    announced,
    forget_arrivals,
    interrupted_service_files,
    keep_service_file,
    place_of_file,
    rivals,
)
from harvester.openbis.destination.brought import service_files_again, still_here
from harvester.openbis.inspecting import irreparable, not_ours_to_look_after
from harvester.openbis.sync_run import SyncRun
from harvester.openbis.transfers.transfers import WantedContent
from harvester.runs.report import Outcome, Verb
from shared.errors import ItemError
from shared.model.kinds import Kind
from shared.store.incoming import service_file_content
from shared.store.statements import execute


def register_service_files(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        rows = {row.path: row for row in _rows(run)}
        begun = announced(run.connection, run.source, FILE)
    run.progress.expect(len(rows))
    for row in rows.values():
        run.progress.advance()
        if (Kind.FILE, row.path) in run.paused:
            outcome.postponed.append((Kind.FILE, row.path))
            continue
        if not run.leash.may_fetch:
            break
        try:
            brought = _write(run, row, begun=row.path in begun)
        except ItemError as error:
            outcome.fail(error)
        else:
            if brought:
                verb = Verb.CREATED if row.owner is None else Verb.UPDATED
                outcome.note(verb, Kind.FILE, (row.path,))
    _tell_of_the_rest(run, outcome, rows.keys())
    return outcome


def _rows(run: SyncRun) -> Iterator[Any]:
    """What is to be written: new, changed, interrupted; damaged here, or asked for."""
    yield from execute(run.connection, "service_files")
    yield from interrupted_service_files(run.connection, run.source)
    again = run.requested | run.damage.faults.keys()
    yield from service_files_again(run.connection, run.source, again)


def _tell_of_the_rest(run: SyncRun, outcome: Outcome, seen: Collection[str]) -> None:
    """What is damaged here or asked for, and is not in the list."""
    lost = {(Kind.FILE.value, path) for path in run.damage.of(Kind.FILE).keys() - seen}
    with run.transaction():
        lost = still_here(run.connection, run.source, lost)
    for kind, path in sorted(lost):
        outcome.fail(irreparable(kind, path, run.damage.text(kind, path)))
    asked = {perm_id for kind, perm_id in run.requested if kind == Kind.FILE}
    for path in sorted(asked - set(seen) - run.damage.of(Kind.FILE).keys()):
        outcome.remark(not_ours_to_look_after(Kind.FILE, path))
    if kept := run.transfers.set_aside():
        outcome.remark(kept)


def _write(run: SyncRun, row: Any, *, begun: bool) -> bool:
    """Whether there was anything to do: another section may have brought the same meanwhile.
    ``begun``: by this section, before; so what lies there may be its own."""
    if row.owner not in {None, run.source}:
        raise _taken(row.path, f"is here already, from section {row.owner}")
    _check_stranger(run, row, begun=begun)
    with run.transaction():
        if not _claim(run, row):
            return False
        content = service_file_content(run.connection, row.path)
    fault = run.damage.text(Kind.FILE, row.path)
    if fault and content is None and row.href is None:  # the list cannot show it now
        raise irreparable(Kind.FILE, row.path, fault)
    wanted = WantedContent(
        kind=Kind.FILE,
        perm_id=row.path,
        name=row.path,
        length=row.length,
        sha256=row.sha256,
        href=row.href,
        content=content,
    )
    try:
        run.transfers.service_file(wanted)
        return _put(run, row, wanted, begun=begun)
    except ItemError:
        if not begun:
            with run.transaction():
                forget_arrivals(run.connection, run.source, FILE, (row.path,))
        raise


def _check_stranger(run: SyncRun, row: Any, *, begun: bool) -> None:
    unknown = row.owner is None and not begun
    if unknown and run.transfers.service_file_is_strange(row.path, row.sha256):
        raise _taken(row.path, "is here already, from this instance")


def _put(run: SyncRun, row: Any, wanted: WantedContent, *, begun: bool) -> bool:
    """Whose a file is, is decided in the transaction in which it is put in place: what was true
    before it came may be true no longer."""
    known = row.stored_sha256 or row.sha256
    # a killed run may have put in place what this one brings again
    ours = begun and not run.transfers.service_file_is_strange(row.path, row.sha256)
    keep = not ours and run.transfers.service_file_is_strange(row.path, known)
    try:
        with run.transaction():
            if not _claim(run, row):
                run.transfers.drop_service_file(wanted)
                forget_arrivals(run.connection, run.source, FILE, (row.path,))
                return False
            _check_stranger(run, row, begun=begun)
            run.transfers.put_service_file(wanted, row.modified / 1000, keep=keep)
            _keep(run, row)
    except ItemError:
        run.transfers.drop_service_file(wanted)
        raise
    return True


def _claim(run: SyncRun, row: Any) -> bool:
    """Note that the file is on its way; two sections may bring the same one side by side. False if
    it is here by now."""
    if section := place_of_file(run.connection, row.path):
        reason = f"the file of section {section} has still to be moved out of its place, or back"
        raise ItemError(Kind.FILE, row.path, f"{reason}; the next run of that section does it")
    others = rivals(run.connection, run.source, row.path)
    for other in others:
        if other.sha256 != row.sha256:
            how = "is here already, from" if other.is_here else "is on its way here, or was, by"
            raise _taken(row.path, f"{how} section {other.source}")
    if any(other.is_here for other in others):
        return False
    announce(run.connection, run.source, FILE, (row.path,), content=row.sha256)
    return True


def _taken(path: str, how: str) -> ItemError:
    return ItemError(Kind.FILE, path, f"a file of this path with another content {how}")


def _keep(run: SyncRun, row: Any) -> None:
    keep_service_file(
        run.connection,
        path=row.path,
        source=run.source,
        modified=row.modified,
        length=row.length,
        sha256=row.sha256,
    )
    forget_arrivals(run.connection, run.source, FILE, (row.path,))
