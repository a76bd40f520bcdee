"""What a database and a data store of openBIS hold, and what a destination holds, each read by
plain SQL and a plain walk: nothing here uses the program.

Both give the same `Inventory`, so that a test can say: all of it has arrived, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

# Data sets that are still being registered are not published.
_DATA_SETS = """(
    SELECT d.* FROM data_all AS d WHERE NOT EXISTS (
        SELECT 1 FROM external_data AS x WHERE x.id = d.id AND NOT x.storage_confirmation))"""
# Kind, table of entities, table of values with the column of its owner, table of assignments.
_OWNERS = (
    ("EXPERIMENT", "experiments_all", "experiment", "expe_id", "etpt_id"),
    ("SAMPLE", "samples_all", "sample", "samp_id", "stpt_id"),
    ("DATA_SET", _DATA_SETS, "data_set", "ds_id", "dstpt_id"),
)
# Data types whose values the database has as the texts that are published.
PLAIN = frozenset(
    {
        *("VARCHAR", "MULTILINE_VARCHAR", "INTEGER", "BOOLEAN", "HYPERLINK", "XML", "DATE"),
        *("CONTROLLEDVOCABULARY", "SAMPLE"),
    }
)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """``values``: texts in their order, by kind, perm id and property; of other data types than
    `PLAIN` only how many there are (as so many empty texts). ``afs``: length and MD5 of each file
    by owner and path. ``immutable``: only where the AFS data are there, since a destination waits
    with the time until it has them."""

    values: Mapping[tuple[str, str, str], list[str]]
    meta_data: Mapping[Key, Mapping[str, str]]
    immutable: Mapping[Key, int]
    type_groups: Mapping[str, frozenset[str]]
    multi_valued: frozenset[str]
    patterns: Mapping[tuple[str, str, str], str]
    afs: Mapping[str, Mapping[str, tuple[int, str]]]


def of_openbis(connection: Connection, store: Path) -> Inventory:
    """A database of schema 205 or later, and its data store."""
    afs = dict(_afs(connection, store))
    away = frozenset(connection.execute(text(_AFS_OWNERS)).scalars()) - afs.keys()
    return Inventory(
        values=_values(connection),
        meta_data=dict(_meta_data(connection)),
        # A destination waits with the time until it has the files.
        immutable={key: at for key, at in _immutable(connection) if key[1] not in away},
        type_groups=_type_groups(connection),
        multi_valued=frozenset(
            connection.execute(
                text(f"SELECT {_CODE} FROM property_types AS p WHERE p.is_multi_value")  # noqa: S608
            ).scalars()
        ),
        patterns=dict(_patterns(connection)),
        afs=afs,
    )


# Internal is what openBIS itself has registered; the sign ``$`` says so.
_CODE = """
CASE WHEN p.is_managed_internally
          AND p.pers_id_registerer = (SELECT id FROM persons WHERE user_id = 'system')
     THEN '$' ELSE '' END || p.code"""


_AFS_OWNERS = "SELECT code FROM data_all WHERE afs_data AND del_id IS NULL"


def _name(kind: str) -> str:
    """The column that names an entity."""
    return "code" if kind == "DATA_SET" else "perm_id"


def _values(connection: Connection) -> Mapping[tuple[str, str, str], list[str]]:
    found: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for kind, table, name, owner, assignment in _OWNERS:
        rows = connection.execute(
            text(
                f"""
SELECT e.{_name(kind)}, {_CODE}, t.code, coalesce(v.value, c.code, s.perm_id)
  FROM {name}_properties AS v
  JOIN {table} AS e ON e.id = v.{owner} AND e.del_id IS NULL
  JOIN {name}_type_property_types AS a ON a.id = v.{assignment}
  JOIN property_types AS p ON p.id = a.prty_id
  JOIN data_types AS t ON t.id = p.daty_id
  LEFT JOIN controlled_vocabulary_terms AS c ON c.id = v.cvte_id
  LEFT JOIN samples_all AS s ON s.id = v.samp_prop_id
 WHERE s.del_id IS NULL
 ORDER BY v.id
"""  # noqa: S608
            )
        )
        for perm_id, code, data_type, value in rows:
            found[kind, perm_id, code].append(value if data_type in PLAIN else "")
    return dict(found)


def _meta_data(connection: Connection) -> Iterator[tuple[Key, Mapping[str, str]]]:
    for kind, table, *_ in _OWNERS:
        rows = connection.execute(
            text(
                f"SELECT {_name(kind)}, meta_data FROM {table} AS e"  # noqa: S608
                " WHERE del_id IS NULL AND meta_data IS NOT NULL"
            )
        )
        for perm_id, entries in rows:
            if entries:
                yield (kind, perm_id), entries


def _immutable(connection: Connection) -> Iterator[tuple[Key, int]]:
    for kind, table, *_ in _OWNERS[:2]:
        rows = connection.execute(
            text(
                "SELECT perm_id, floor(extract(epoch FROM immutable_data_timestamp))"  # noqa: S608
                f" FROM {table} WHERE del_id IS NULL AND immutable_data_timestamp IS NOT NULL"
            )
        )
        for perm_id, seconds in rows:
            yield (kind, perm_id), int(seconds)


def _type_groups(connection: Connection) -> Mapping[str, frozenset[str]]:
    rows = connection.execute(
        text(
            "SELECT g.code, t.code FROM type_groups AS g"
            " LEFT JOIN sample_type_type_groups AS m ON m.tg_id = g.id"
            " LEFT JOIN sample_types AS t ON t.id = m.saty_id"
        )
    ).all()
    return {
        group: frozenset(member for code, member in rows if code == group and member)
        for group in {code for code, _ in rows}
    }


def _patterns(connection: Connection) -> Iterator[tuple[tuple[str, str, str], str]]:
    for kind, column in (("EXPERIMENT", "exty_id"), ("SAMPLE", "saty_id"), ("DATA_SET", "dsty_id")):
        rows = connection.execute(
            text(
                f"SELECT t.code, {_CODE}, a.pattern"  # noqa: S608
                f"  FROM {kind}_type_property_types AS a"
                f"  JOIN {kind}_types AS t ON t.id = a.{column}"
                "   JOIN property_types AS p ON p.id = a.prty_id WHERE a.pattern IS NOT NULL"
            )
        )
        for of_type, code, pattern in rows:
            yield (kind, of_type, code), pattern


def _afs(
    connection: Connection, store: Path
) -> Iterator[tuple[str, Mapping[str, tuple[int, str]]]]:
    """The files of all owners that have some which can be read now."""
    rows = connection.execute(
        text(
            "SELECT d.code, x.share_id, x.location FROM data_all AS d"
            "  JOIN external_data AS x ON x.id = d.id"
            " WHERE d.afs_data AND d.del_id IS NULL"
            "   AND x.status IN ('AVAILABLE', 'LOCKED', 'BACKUP_PENDING')"
        )
    )
    for owner, share, location in rows:
        folder = store / share / location
        if files := dict(_files(folder)):
            yield owner, files


def _files(folder: Path) -> Iterator[tuple[str, tuple[int, str]]]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        is_backup = relative.parts[0].startswith(".afs-sync-backup-")
        if path.is_file() and ".afs" not in relative.parts and not is_backup:
            yield str(relative), _content(path)


def _content(path: Path) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), hashlib.md5(data, usedforsecurity=False).hexdigest()


def of_destination(connection: Connection, store: Path, plain: frozenset[str]) -> Inventory:
    """A destination. ``plain``: the codes of the properties whose texts are compared."""
    entities = connection.execute(
        text("SELECT kind, perm_id, properties, meta_data, immutable_since, afs FROM entity")
    ).all()
    definitions = connection.execute(text("SELECT kind, owner, code, content FROM master_data"))
    master_data = [(kind, owner, code, json.loads(it)) for kind, owner, code, it in definitions]
    values = {}
    for kind, perm_id, properties, *_ in entities:
        for code, value in json.loads(properties).items() if kind != "MATERIAL" else ():
            texts = value if isinstance(value, list) else [value]
            values[kind, perm_id, code] = texts if code in plain else [""] * len(texts)
    groups = {code for kind, _, code, _ in master_data if kind == "TYPE_GROUP"}
    return Inventory(
        values=values,
        meta_data={
            (row.kind, row.perm_id): json.loads(row.meta_data)
            for row in entities
            if row.meta_data not in (None, "{}")
        },
        immutable={
            (row.kind, row.perm_id): row.immutable_since // 1000
            for row in entities
            if row.immutable_since is not None
        },
        type_groups={
            group: frozenset(
                code
                for kind, owner, code, _ in master_data
                if kind == "TYPE_GROUP_MEMBER" and owner == group
            )
            for group in groups
        },
        multi_valued=frozenset(
            code
            for kind, _, code, it in master_data
            if kind == "PROPERTY_TYPE" and it.get("multi_value")
        ),
        patterns={
            (owner.split("_TYPE ")[0], owner.split(" ", 1)[1], code): it["pattern"]
            for kind, owner, code, it in master_data
            if kind == "PROPERTY_ASSIGNMENT" and it.get("pattern") is not None
        },
        afs={
            row.perm_id: files
            for row in entities
            if row.afs and (files := dict(_files(_folder(store, row.perm_id))))
        },
    )


def _folder(store: Path, code: str) -> Path:
    """The folder of a data set, in whichever share and below whichever UUID."""
    digits = hashlib.md5(code.encode(), usedforsecurity=False).hexdigest()
    place = f"{digits[:2]}/{digits[2:4]}/{digits[4:6]}/{code}"
    return next(iter(store.glob(f"[0-9]*/*/{place}")), store / "nowhere")


def plain_properties(connection: Connection) -> frozenset[str]:
    """The codes of the properties of the data types `PLAIN`, in a database of openBIS."""
    rows = connection.execute(
        text(
            f"SELECT {_CODE}, t.code FROM property_types AS p"  # noqa: S608
            " JOIN data_types AS t ON t.id = p.daty_id"
        )
    )
    return frozenset(code for code, data_type in rows if data_type in PLAIN)
