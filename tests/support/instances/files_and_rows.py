"""Whether the files of an instance are those that its rows name, at home and in the trash."""

from __future__ import annotations

from pathlib import Path

from tests.support.instances.instance import Instance

_PHYSICAL = """
SELECT f.code, f.path FROM data_set_file AS f
  JOIN entity AS e ON e.kind = 'DATA_SET' AND e.perm_id = f.code AND e.data_set_kind = 'PHYSICAL'
"""
_PHYSICAL_TRASH = """
SELECT f.deletion, f.code, f.path FROM trash_data_set_file AS f
  JOIN trash_entity AS e ON e.deletion = f.deletion AND e.kind = 'DATA_SET'
                        AND e.perm_id = f.code AND e.data_set_kind = 'PHYSICAL'
"""
_CONTENTS = """
SELECT sha256 FROM attachment WHERE sha256 IS NOT NULL
 UNION SELECT sha256 FROM trash_attachment WHERE sha256 IS NOT NULL
"""


def mismatches(instance: Instance) -> list[str]:
    """Files without a row, and rows without a file."""
    expected, actual = set(_named(instance)), set(_lying(instance))
    return [
        *(f"no row: {path}" for path in sorted(actual - expected)),
        *(f"no file: {path}" for path in sorted(expected - actual)),
    ]


def in_trash(instance: Instance) -> dict[str, bytes]:
    """The files in the trash folder, by their paths in it."""
    trash = instance.store.root / "trash"
    return {str(p.relative_to(trash)): p.read_bytes() for p in trash.rglob("*") if p.is_file()}


def _named(instance: Instance) -> list[Path]:
    store = instance.store
    found = [store.data_set_file(str(c), str(p)) for c, p in instance.rows(_PHYSICAL)]
    for deletion, code, path in instance.rows(_PHYSICAL_TRASH):
        found.append(store.trashed_data_set(int(str(deletion)), str(code)) / str(path))
    found += [store.attachment(str(digest)) for (digest,) in instance.rows(_CONTENTS)]
    found += [store.service_file(str(p)) for (p,) in instance.rows("SELECT path FROM service_file")]
    for deletion, path in instance.rows("SELECT deletion, path FROM trash_service_file"):
        found.append(store.trashed_service_file(int(str(deletion)), str(path)))
    return found


def _lying(instance: Instance) -> list[Path]:
    roots = (instance.store.root, instance.store.service_root)
    lying = (path for root in roots for path in root.rglob("*") if path.is_file())
    return [path for path in lying if not path.name.startswith(".openbis-sync-")]
