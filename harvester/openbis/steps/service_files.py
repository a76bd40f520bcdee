"""Step 6: files of the file service: pictures and documents that texts mention.

Paths carry no alias, so two sections can name the same file. With the same content it is shared;
with another content the second section fails for that file, and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Collection

from harvester.openbis.destination.port.files import ListedFile
from harvester.openbis.inspecting import irreparable, not_ours_to_look_after
from harvester.openbis.sync_run import SyncRun
from harvester.openbis.transfers.transfers import WantedContent
from harvester.runs.report import Outcome, Verb
from shared.errors import ItemError
from shared.model.kinds import Kind


def register_service_files(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        again = run.requested | run.damage.faults.keys()
        files = {file.path: file for file in run.destination.service_files.wanted(again)}
        begun = run.destination.service_files.announced()
    run.progress.expect(len(files))
    for file in files.values():
        run.progress.advance()
        if (Kind.FILE, file.path) in run.paused:
            outcome.postponed.append((Kind.FILE, file.path))
            continue
        if not run.limits.may_begin():
            run.limits.note_left()
            break
        try:
            brought = _write(run, file, begun=file.path in begun)
        except ItemError as error:
            outcome.fail(error)
        else:
            if brought:
                verb = Verb.CREATED if file.owner is None else Verb.UPDATED
                outcome.note(verb, Kind.FILE, (file.path,))
    _tell_of_the_rest(run, outcome, files.keys())
    return outcome


def _tell_of_the_rest(run: SyncRun, outcome: Outcome, seen: Collection[str]) -> None:
    """Report what is damaged here or asked for, and is not in the list."""
    lost = {(Kind.FILE.value, path) for path in run.damage.of(Kind.FILE).keys() - seen}
    with run.transaction():
        lost = run.destination.file_work.still_here(lost)
    for kind, path in sorted(lost):
        outcome.fail(irreparable(kind, path, run.damage.text(kind, path)))
    asked = {perm_id for kind, perm_id in run.requested if kind == Kind.FILE}
    for path in sorted(asked - set(seen) - run.damage.of(Kind.FILE).keys()):
        outcome.remark(not_ours_to_look_after(Kind.FILE, path))
    if kept := run.transfers.set_aside():
        outcome.remark(kept)


def _write(run: SyncRun, file: ListedFile, *, begun: bool) -> bool:
    """Bring one file; returns whether that was needed: another section may have brought the same
    meanwhile. ``begun``: this section has begun it before, so what lies in the place may be its
    own."""
    if file.owner not in {None, run.source}:
        raise _taken(file.path, f"is here already, from section {file.owner}")
    _check_stranger(run, file, begun=begun)
    with run.transaction():
        if not _claim(run, file):
            return False
        content = run.destination.service_files.content(file.path)
    fault = run.damage.text(Kind.FILE, file.path)
    if fault and content is None and file.href is None:  # the list cannot show it now
        raise irreparable(Kind.FILE, file.path, fault)
    wanted = WantedContent(
        kind=Kind.FILE,
        perm_id=file.path,
        name=file.path,
        length=file.length,
        sha256=file.sha256,
        href=file.href,
        content=content,
    )
    try:
        run.transfers.service_file(wanted)
        return _put(run, file, wanted, begun=begun)
    except ItemError:
        # A note of an earlier run stays, since what that run has brought may lie in the place.
        if not begun:
            with run.transaction():
                run.destination.service_files.forget(file.path)
        raise


def _check_stranger(run: SyncRun, file: ListedFile, *, begun: bool) -> None:
    unknown = file.owner is None and not begun
    if unknown and run.transfers.service_file_is_strange(file.path, file.sha256):
        raise _taken(file.path, "is here already, from this instance")


def _put(run: SyncRun, file: ListedFile, wanted: WantedContent, *, begun: bool) -> bool:
    """Put the file in place. Its owner is decided in the same transaction, since it may have
    changed while the file was fetched."""
    known = file.stored_sha256 or file.sha256
    # a killed run may have put in place what this one brings again
    ours = begun and not run.transfers.service_file_is_strange(file.path, file.sha256)
    keep = not ours and run.transfers.service_file_is_strange(file.path, known)
    try:
        with run.transaction():
            if not _claim(run, file):
                run.transfers.drop_service_file(wanted)
                run.destination.service_files.forget(file.path)
                return False
            _check_stranger(run, file, begun=begun)
            run.transfers.put_service_file(wanted, file.modified / 1000, keep=keep)
            run.destination.service_files.keep(file)
    except ItemError:
        run.transfers.drop_service_file(wanted)
        raise
    return True


def _claim(run: SyncRun, file: ListedFile) -> bool:
    """Note that the file is on its way; two sections may bring the same one at the same time. False
    if it has arrived by now."""
    files = run.destination.service_files
    if section := files.moving(file.path):
        reason = f"the file of section {section} has still to be moved out of its place, or back"
        raise ItemError(Kind.FILE, file.path, f"{reason}; the next run of that section does it")
    others = files.rivals(file.path)
    for other in others:
        if other.sha256 != file.sha256:
            how = "is here already, from" if other.is_here else "is on its way here, or was, by"
            raise _taken(file.path, f"{how} section {other.source}")
    if any(other.is_here for other in others):
        return False
    files.announce(file.path, file.sha256)
    return True


def _taken(path: str, how: str) -> ItemError:
    return ItemError(Kind.FILE, path, f"a file of this path with another content {how}")
