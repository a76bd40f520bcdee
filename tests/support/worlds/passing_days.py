"""Days that pass for a harvester, and what must be in order after each of them.

No program takes a clock from outside. Instead of moving the clock on, all that a harvester has
noted of times is moved back by a day: rows, files and their names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from harvester.openbis.state import LastSync, read_state, write_state
from shared.store.files import data_set_location
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

_DAY = timedelta(days=1)
# Milliseconds since 1970, in the columns of these tables.
_TIMES = {
    "run": ("started", "ended", "at"),
    "failed_item": ("first_failed", "last_failed", "next_try"),
    "deletion": ("deleted",),
    "notice": ("sent",),
    "source": ("at", "running_since"),
}


def a_day_passes(harvest: Harvest, section: str = "DS1") -> None:
    """All that the harvester remembers happened a day earlier."""
    shift = round(_DAY / timedelta(milliseconds=1))
    for table, columns in _TIMES.items():
        earlier = ", ".join(f"{column} = {column} - {shift}" for column in columns)
        harvest.instance.execute(f"UPDATE {table} SET {earlier}")  # noqa: S608 - our own names
    state = harvest.root / f"last-sync-timestamp-file_{section}.txt"
    if last := read_state(state):
        write_state(state, LastSync(incremental=last.incremental - _DAY, full=last.full - _DAY))
    for file in _files(harvest.instance.store.temporary):
        _age(file)
    for log in logs(harvest, section):
        _age(log)
        day = re.search(r"\d{4}-\d{2}-\d{2}", log.name)
        if day:
            before = date.fromisoformat(day[0]) - _DAY
            log.rename(log.with_name(log.name.replace(day[0], before.isoformat())))


def _age(file: Path) -> None:
    found = file.stat()
    day = round(_DAY.total_seconds() * 1_000_000_000)
    os.utime(file, ns=(found.st_atime_ns - day, found.st_mtime_ns - day))


def logs(harvest: Harvest, section: str = "DS1") -> list[Path]:
    """The log of a section and those that were put aside, the oldest first."""
    return sorted(harvest.root.glob(f"synchronization_{section}.log*"))


def disorder(instance: Instance) -> Iterator[str]:
    """Files without a row, rows without a file, and rows of what is not there. What was set aside
    is to have no row."""
    expected, found = set(_expected(instance)), set(_found(instance))
    yield from (f"has no row: {path}" for path in sorted(found - expected))
    yield from (f"has no file: {path}" for path in sorted(expected - found))
    yield from _of_nothing(instance)


def rows_without_file(instance: Instance) -> set[Path]:
    """What must never be, not even after a run that failed."""
    return set(_expected(instance)) - set(_found(instance))


def _found(instance: Instance) -> Iterator[Path]:
    store = instance.store
    aside = store.root / "set-aside"
    for root in (store.root, store.service_root):
        yield from (path for path in _files(root) if aside not in path.parents)


def _files(root: Path) -> Iterator[Path]:
    """But for the markers of folders."""
    lying = (path for path in root.rglob("*") if not path.is_dir())
    return (path for path in lying if not path.name.startswith(".openbis-sync-"))


def _expected(instance: Instance) -> Iterator[Path]:
    """Where a file is to lie, of every row that speaks of one."""
    store = instance.store
    physical = "e.kind = 'DATA_SET' AND e.perm_id = f.code AND e.data_set_kind = 'PHYSICAL'"
    of_data_sets = f"SELECT f.code, f.path FROM data_set_file f JOIN entity e ON {physical}"  # noqa: S608
    for code, path in instance.rows(of_data_sets):
        yield store.root / "1" / data_set_location(store.uuid, str(code)) / str(path)
    in_trash = (
        "SELECT f.deletion, f.code, f.path FROM trash_data_set_file f"  # noqa: S608
        f" JOIN trash_entity e ON {physical} AND e.deletion = f.deletion"
    )
    for deletion, code, path in instance.rows(in_trash):
        yield store.root / "trash" / str(deletion) / str(code) / str(path)
    contents = "SELECT sha256 FROM attachment UNION SELECT sha256 FROM trash_attachment"
    for (sha256,) in instance.rows(contents):
        yield store.attachment(str(sha256))
    for (path,) in instance.rows("SELECT path FROM service_file"):
        yield store.service_root / str(path)
    for deletion, path in instance.rows("SELECT deletion, path FROM trash_service_file"):
        yield store.root / "trash" / str(deletion) / "files" / str(path)


def _of_nothing(instance: Instance) -> Iterator[str]:
    owners = {
        "link": "e.kind = t.kind AND e.perm_id = t.from_perm_id",
        "attachment": "e.kind = t.kind AND e.perm_id = t.perm_id",
        "data_set_file": "e.kind = 'DATA_SET' AND e.perm_id = t.code",
        "content_copy": "e.kind = 'DATA_SET' AND e.perm_id = t.code",
    }
    for table, join in owners.items():
        query = f"SELECT * FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM entity e WHERE {join})"  # noqa: S608
        yield from (f"{table} of nothing: {row}" for row in instance.rows(query))
        in_trash = query.replace(f"{table} t", f"trash_{table} t").replace(
            "entity e WHERE", "trash_entity e WHERE e.deletion = t.deletion AND"
        )
        yield from (f"trash_{table} of nothing: {row}" for row in instance.rows(in_trash))
    for table in ("trash_entity", "trash_service_file"):
        query = f"SELECT * FROM {table} WHERE deletion NOT IN (SELECT id FROM deletion)"  # noqa: S608
        yield from (f"{table} of no deletion: {row}" for row in instance.rows(query))
