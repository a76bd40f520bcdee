"""The data store folder of the made instance, and its path-info database."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

UUID = "0A1B2C3D-0000-4000-8000-00000000CAFE"

# Its CRC-32 is negative in the signed column of the path-info database.
UPPER = b"CAPITALS ONLY\n" * 20

# The files of each data set that has some, by path.
STORED: Mapping[str, Mapping[str, bytes]] = {
    "20240105081500000-501": {
        "original/UPPER.TXT": UPPER,
        "original/a b & 100%20?#.txt": b"signs that addresses encode",
        "original/deep/\u00fcber/\u65e5\u672c.txt": "\u3053\u3093\u306b\u3061\u306f".encode(),
        "original/readme.txt": b"read me\n",
    },
    "20240105081500000-502": {
        "original/empty.dat": b"",
        "original/zeros.bin": bytes(70_000),
        "original/bytes.bin": bytes(range(256)) * 300,
    },
    "20240105081500000-503": {"original/readme.txt": b"not confirmed yet"},
    "20240105081500000-505": {"original/backup.txt": b"being backed up"},
    "20240105081500000-506": {"original/locked.txt": b"locked, and readable"},
    "20240105081500000-508": {"original/tide.csv": b"h,m\n1,2\n"},
    "20240105081500000-509": {"original/bog.csv": b"depth\n3\n", "original/bog.txt": b"deep"},
    "20240105081500000-522": {"feature list": b"without the folder original"},
    "APPLE": {"original/apple.txt": b"apple", "original/both.txt": b"apple's"},
    "PEAR": {"original/pear.txt": b"pear", "original/both.txt": b"pear's"},
}

# openBIS computes checksums only where a task for it is set up.
WITHOUT_CRC = frozenset({"original/zeros.bin", "original/pear.txt"})

# Data sets that were stored since openBIS was set to compute them.
WITH_SHA256 = frozenset({"20240105081500000-501", "20240105081500000-502", "APPLE"})


def location(uuid: str, code: str) -> str:
    """openBIS spreads data sets by the MD5 sum of their codes."""
    digits = hashlib.md5(code.encode(), usedforsecurity=False).hexdigest()
    return f"{uuid}/{digits[:2]}/{digits[2:4]}/{digits[4:6]}/{code}"


def write_store(root: Path, uuid: str) -> None:
    for code, files in STORED.items():
        folder = root / "1" / location(uuid, code)
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    (root / "1" / "share.properties").write_text("speed = 50\n")


_DEFINITIONS = (
    "create table data_sets (id bigint primary key, code text not null, location text not null)",
    """create table data_set_files (
        id bigint primary key, dase_id bigint not null references data_sets (id),
        parent_id bigint references data_set_files (id), relative_path text not null,
        file_name text not null, size_in_bytes bigint not null, checksum_crc32 integer,
        checksum text, is_directory boolean not null, last_modified timestamp with time zone)""",
    "create table events (last_seen_deletion_event_id bigint not null)",
    "create table last_feeding_event (registration_timestamp timestamp with time zone not null)",
    "insert into last_feeding_event values ('2024-03-01 00:00:00+00')",
)

# Path, size, signed CRC-32, checksum, whether it is a folder.
Node = tuple[str, int, int | None, str | None, bool]


def nodes_of(code: str) -> Iterator[Node]:
    """The data set's own folder, the folders in it, and its files."""
    files = STORED[code]
    folders = {PurePosixPath(path) for file in files for path in PurePosixPath(file).parents}
    for folder in sorted(folders):
        inside = (f for f in files if PurePosixPath(f).is_relative_to(folder))
        path = "" if str(folder) == "." else str(folder)
        yield path, sum(len(files[file]) for file in inside), None, None, True
    for path, content in files.items():
        crc = None if path in WITHOUT_CRC else signed(zlib.crc32(content))
        checksum = f"SHA256:{hashlib.sha256(content).hexdigest()}" if code in WITH_SHA256 else None
        yield path, len(content), crc, checksum, False


def signed(crc: int) -> int:
    """The database keeps the sum in a signed integer of 32 bits."""
    return crc - 2**32 if crc >= 2**31 else crc


def path_info_statements(uuid: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Statements with their parameters."""
    for definition in _DEFINITIONS:
        yield definition, ()
    number = 0
    for data_set, code in enumerate(STORED, start=1):
        yield "insert into data_sets values (%s, %s, %s)", (data_set, code, location(uuid, code))
        ids: dict[str, int] = {}
        for path, size, crc, checksum, is_directory in nodes_of(code):
            number += 1
            ids[path] = number
            above, _, name = path.rpartition("/")
            yield (
                "insert into data_set_files values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    *(number, data_set, ids[above] if path else None, path, name or code),
                    *(size, crc, checksum, is_directory, "2024-01-05T08:15:00+00:00"),
                ),
            )
