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
from shared.store.incoming import service_file_content
from shared.store.statements import execute

_CLAIMED = ""
"""Stands for the checksum of a file that is about to be written: if the harvester is killed before
it can say more, the next run knows that the file is its own."""


def register_service_files(run: SyncRun) -> Outcome:
    outcome = run.outcome()
    with run.transaction():
        rows = execute(run.connection, "service_files").all()
    run.progress.expect(len(rows))
    for row in rows:
        run.progress.advance()
        if (Kind.FILE, row.path) in run.paused:
            outcome.postponed.append((Kind.FILE, row.path))
            continue
        if not run.leash.may_fetch:
            break
        try:
            _write(run, row)
        except ItemError as error:
            outcome.fail(error)
        else:
            verb = Verb.CREATED if row.owner is None else Verb.UPDATED
            outcome.note(verb, Kind.FILE, (row.path,))
    return outcome


def _write(run: SyncRun, row: Any) -> None:
    path = row.path
    strange = row.owner is None and run.transfers.service_file_is_strange(path, row.sha256)
    if strange or row.owner not in {None, run.source}:
        whose = f"section {row.owner}" if row.owner else "this instance"
        reason = f"a file of this path with another content is here already, from {whose}"
        raise ItemError(Kind.FILE, path, reason)
    with run.transaction():
        content = service_file_content(run.connection, path)
        if row.owner is None:
            _put(run, row, _CLAIMED)
    wanted = WantedContent(
        kind=Kind.FILE,
        perm_id=path,
        name=path,
        length=row.length,
        sha256=row.sha256,
        href=row.href,
        content=content,
    )
    try:
        run.transfers.service_file(wanted, modified=row.modified / 1000)
    except ItemError:
        if row.owner is None:
            with run.transaction():
                execute(run.connection, "forget_service_file", path=path)
        raise
    with run.transaction():
        _put(run, row, row.sha256)


def _put(run: SyncRun, row: Any, sha256: str) -> None:
    execute(
        run.connection,
        "put_service_file",
        path=row.path,
        source=run.source,
        modified=row.modified,
        length=row.length,
        sha256=sha256,
    )
