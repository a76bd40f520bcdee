"""Step 6: files of the file service: pictures and documents that texts mention.

Paths carry no alias, so two sections can name the same file: with the same content it is shared,
with another one the second section fails for that file, and nothing is overwritten.
"""

from __future__ import annotations

from typing import Any

from harvester.fetching.transfers import WantedContent
from harvester.report import Outcome, Verb
from harvester.run import SyncRun
from shared.errors import ItemError
from shared.model.kinds import Kind
from shared.store.arrivals import (
    FILE,
    announce,
    announced,
    forget_arrivals,
    interrupted_service_files,
    keep_service_file,
    rivals,
)
from shared.store.incoming import service_file_content
from shared.store.statements import execute


def register_service_files(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        rows = [
            *execute(run.connection, "service_files"),
            *interrupted_service_files(run.connection, run.source),
        ]
        begun = announced(run.connection, run.source, FILE)
    run.progress.expect(len(rows))
    for row in rows:
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
    return outcome


def _write(run: SyncRun, row: Any, *, begun: bool) -> bool:
    """Whether there was anything to do: another section may have brought the same meanwhile.
    ``begun``: by this section, before; so what lies there may be its own."""
    if row.owner not in {None, run.source}:
        raise _taken(row.path, f"is here already, from section {row.owner}")
    unknown = row.owner is None and not begun
    if unknown and run.transfers.service_file_is_strange(row.path, row.sha256):
        raise _taken(row.path, "is here already, from this instance")
    with run.transaction():
        if not _claim(run, row):
            return False
        content = service_file_content(run.connection, row.path)
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
        run.transfers.service_file(wanted, modified=row.modified / 1000)
    except ItemError:
        if not begun:
            with run.transaction():
                forget_arrivals(run.connection, run.source, FILE, (row.path,))
        raise
    with run.transaction():
        _keep(run, row)
    return True


def _claim(run: SyncRun, row: Any) -> bool:
    """Note that the file is on its way; two sections may bring the same one side by side. False if
    it is here by now."""
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
