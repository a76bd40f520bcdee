"""The files of the demo: invented content, the same whenever it is made."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from datetime import timedelta

from shared.atomic_file import write_atomically
from shared.file_times import set_file_time
from shared.model.entities import Attachment, AttachmentVersion, FileNode
from shared.store.files import DataStore
from source_server.demo.moments import on_day


def noise(seed: str, length: int) -> bytes:
    """Bytes that do not compress, like those of pictures."""
    return random.Random(seed).randbytes(length)  # noqa: S311 - content, not a secret


def picture(seed: str, size: int = 64) -> bytes:
    """A PNG of coloured noise that a browser can show."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    # 8 bits for each of three colours; the usual compression and filters, not interlaced.
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + noise(f"{seed}{row}", 3 * size) for row in range(size))
    signature = b"\x89PNG\r\n\x1a\n"
    return (
        signature
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def put_data_set(store: DataStore, code: str, contents: dict[str, bytes]) -> tuple[FileNode, ...]:
    """Write the files of a data set; returns their entries in a list."""
    folder = store.data_set_folder(code)
    for path, content in contents.items():
        write_atomically(folder / path, content)
    return tuple(
        FileNode(
            path=path,
            length=len(content),
            crc32=zlib.crc32(content),
            checksum=f"SHA256:{hashlib.sha256(content).hexdigest()}",
        )
        for path, content in sorted(contents.items())
    )


def put_afs_data(
    store: DataStore, code: str, contents: dict[str, bytes], empty_folders: tuple[str, ...]
) -> tuple[FileNode, ...]:
    """Write the files and folders of AFS data; returns the files' entries in a list, which have
    times and no checksums, as openBIS has them."""
    folder = store.data_set_folder(code)
    for path in empty_folders:
        (folder / path).mkdir(parents=True, exist_ok=True)
    nodes = []
    for path, content in sorted(contents.items()):
        modified = on_day(3) + timedelta(milliseconds=len(content))
        write_atomically(folder / path, content)
        set_file_time(folder / path, modified)
        nodes.append(FileNode(path=path, length=len(content), modified=modified))
    return tuple(nodes)


def put_attachment(store: DataStore, file_name: str, *contents: str) -> Attachment:
    """Write an attachment with a version for each content."""
    versions = []
    for number, content in enumerate(contents, start=1):
        data = content.encode()
        sha256 = hashlib.sha256(data).hexdigest()
        write_atomically(store.attachment(sha256), data)
        versions.append(
            AttachmentVersion(
                version=number,
                title=f"{file_name}, version {number}",
                registrator="flora",
                registered=on_day(number),
                length=len(data),
                sha256=sha256,
            )
        )
    return Attachment(file_name=file_name, versions=tuple(versions))
