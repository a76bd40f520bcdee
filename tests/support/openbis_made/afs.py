"""AFS data of the made instance: files of experiments and samples in the application file service
of openBIS 7, in all states that it knows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.openbis_made.files import UUID, location
from tests.support.openbis_made.master_data import FIRST_WITH_AFS

if TYPE_CHECKING:
    from tests.support.openbis_made.rows import Value
    from tests.support.openbis_made.world import World

STORE = "AFS"
SEALED_AT = "2024-05-01 06:00:00.5+00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An experiment or a sample with AFS data. ``number`` ends its perm id; ``experiment`` is that
    of a sample."""

    code: str
    number: int
    is_sample: bool = True
    experiment: str | None = None
    share: str = "1"
    status: str = "AVAILABLE"
    sealed: bool = False
    gone: bool = False

    @property
    def perm_id(self) -> str:
        return f"20240103080000000-{self.number}"

    @property
    def location(self) -> str:
        return location(UUID, self.perm_id)


CORES = Owner(code="CORES", number=201, is_sample=False)
# It has ordinary data sets, too.
BOGS = Owner(code="BOGS", number=205, is_sample=False, sealed=True)
WELL = Owner(code="A01", number=305)
SEALED = Owner(code="OF-PROJECT", number=307, sealed=True)
OF_EXPERIMENT = Owner(code="WIND-1", number=311, experiment="WIND", share="2")
ARCHIVED = Owner(code="TIDE-1", number=312, experiment="TIDES", status="ARCHIVED", sealed=True)
NOTHING_THERE = Owner(code="SAND", number=313)
SHARED = Owner(code="SALT", number=315)
TRASHED = Owner(code="GONE-1", number=317, experiment="CORES", gone=True)

OWNERS = (*(CORES, BOGS, WELL, SEALED, OF_EXPERIMENT, ARCHIVED, NOTHING_THERE, SHARED, TRASHED),)
# In the order of a list.
LISTED = tuple(sorted(each.perm_id for each in OWNERS if not each.gone))
SEALED_CODES = frozenset(each.code for each in OWNERS if each.sealed)

NOTES = b"notes of a core"
# The content, by owner and path.
CONTENT: Mapping[Owner, Mapping[str, bytes]] = {
    CORES: {
        ".afs.snapshots/notes.txt/2024_03_01_12_30_00_045": b"notes",
        ".afs.trash/old.txt": b"thrown away",
        ".begins with a dot": b"made past the service",
        "deep/er/h\u00f6he \u65e5\u672c.txt": b"names",
        "deep/er/none.dat": b"",
        "notes.txt": NOTES,
        "table 100%.csv": b"a,b\n1,2\n",
    },
    BOGS: {"final/depth.csv": b"1\n2\n"},
    WELL: {"well.txt": b"of a component"},
    SEALED: {"a.txt": b"sealed", "b.txt": b"sealed, too"},
    OF_EXPERIMENT: {"wind.txt": b"in share two"},
    SHARED: {"salt.txt": b"for everybody"},
    TRASHED: {"gone.txt": b"of what lies in the trash"},
}
# Of the experiment CORES.
EMPTY_FOLDERS = ("deep/only caches", "empty folder")
# What lies there and is no content.
_BESIDE: Mapping[str, bytes] = {
    ".afs/notes.txt-hash.md5": hashlib.md5(NOTES, usedforsecurity=False).hexdigest().encode(),
    ".afs/notes.txt-preview.jpg": b"a picture",
    "deep/only caches/.afs/gone.txt-hash.md5": b"0" * 32,
    ".afs-sync-backup-1/notes.txt": b"left by a harvester",
}
HIDDEN = tuple(_BESIDE)


def write_afs_store(root: Path) -> None:
    for owner, files in CONTENT.items():
        for path, content in files.items():
            _write(folder_of(root, owner) / path, content)
    for path, content in _BESIDE.items():
        _write(folder_of(root, CORES) / path, content)
    for path in EMPTY_FOLDERS:
        (folder_of(root, CORES) / path).mkdir(exist_ok=True)


def folder_of(root: Path, owner: Owner) -> Path:
    return root / owner.share / owner.location


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def add_afs_rows(world: World) -> None:
    store = world.rows.add("data_stores", FIRST_WITH_AFS, code=STORE, uuid="")
    trash = world.rows.add("deletions", FIRST_WITH_AFS, reason="with its owner")
    for owner in OWNERS:
        places: dict[str, Value] = (
            {"samp_id": world.samples[owner.code]}
            if owner.is_sample
            else {"expe_id": world.experiments[owner.code]}
        )
        if owner.experiment:
            places["expe_id"] = world.experiments[owner.experiment]
        number = world.rows.add(
            "data_all",
            FIRST_WITH_AFS,
            code=owner.perm_id,
            dsty_id=world.known.types["data_set", "AFS_DATA"],
            dast_id=store,
            data_set_kind="PHYSICAL",
            afs_data=True,
            del_id=trash if owner.gone else None,
            **places,
        )
        world.rows.add(
            "external_data",
            FIRST_WITH_AFS,
            id=number,
            data_id=number,
            share_id=owner.share,
            location=owner.location,
            size=sum(map(len, CONTENT.get(owner, {}).values())) if owner.sealed else None,
            status=owner.status,
            present_in_archive=owner.status == "ARCHIVED",
            storage_confirmation=True,
        )
