"""Whether a destination is as if nothing had ever happened to its harvester."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.worlds.passing_days import disorder

_TO_BE_DONE = ("file_removal", "file_move", "failed_item", "arrival")


def is_intact(harvest: Harvest, source: Instance) -> None:
    """The same as the source; files and rows belong together, nothing is left over or to do."""
    audit = harvest.audit()
    assert (audit.code, audit.output) == (0, "[DS1] 0 differences\n")
    assert harvest.instance.entities() == source.entities()
    held, visible = harvest.instance.bytes_held(), _visible(source)
    other = {name: held.get(name, b"")[:80] for name in visible if held.get(name) != visible[name]}
    assert other == {}, other
    out_of_order = list(disorder(harvest.instance))
    assert out_of_order == [], out_of_order
    forgotten = list(left_over(harvest.instance))
    assert forgotten == [], forgotten


def _visible(source: Instance) -> dict[str, bytes]:
    """Without the contents of attachments that only were there."""
    shown = {str(digest) for (digest,) in source.rows("SELECT sha256 FROM attachment")}
    files = {str(path) for (path,) in source.rows("SELECT path FROM service_file")}
    return {
        name: content
        for name, content in source.bytes_held().items()
        if not name.startswith(("attachments/", "file-service/"))
        or name.rpartition("/")[2] in shown
        or name.removeprefix("file-service/") in files
    }


def left_over(instance: Instance) -> Iterator[str]:
    """What an interrupted run may leave, and the next one should not."""
    for table in _TO_BE_DONE:
        yield from (f"{table}: {row}" for row in instance.rows(f"SELECT * FROM {table}"))  # noqa: S608
    temporary = instance.store.temporary
    yield from (
        f"temporary: {path}" for path in temporary.glob("**/*") if path != temporary / "DS1"
    )
    known = {str(number) for (number,) in instance.rows("SELECT id FROM deletion")}
    trash = instance.store.root / "trash"
    yield from (f"trash: {path}" for path in trash.glob("*") if path.name not in known)
    for folder in (instance.root, instance.store.service_root):
        yield from (f"half-written: {path}" for path in folder.glob("**/.*.part"))
    endless = instance.rows("SELECT id FROM run WHERE ended IS NULL")
    yield from (f"run without an end: {number}" for (number,) in endless)


def runs_of(harvest: Harvest) -> list[dict[str, Any]]:
    """As an operator sees them, the latest first."""
    result = harvest.command("runs", "--json", "--most", "1000")
    assert result.code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


def verdicts(harvest: Harvest) -> list[str]:
    """Of all runs, the first one first."""
    return [str(run["verdict"]) for run in reversed(runs_of(harvest))]


def copied(harvest: Harvest, root: Path, url: str | None = None) -> Harvest:
    """A harvester with all that another one, which is not at work, has and remembers; with a
    database of its own at ``url``, a copy of the other's, if that is none of SQLite."""
    shutil.copytree(harvest.root, root, dirs_exist_ok=True)
    other = Harvest(root, database_url=url)
    kept = [line for line in harvest._properties if not line.startswith("database-url")]
    other._properties = [*kept, f"database-url = {url or 'sqlite:///instance.db'}"]
    other.sections = dict(harvest.sections)
    other._write()
    return other
