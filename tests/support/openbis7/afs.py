"""The application file service of openBIS 7: ``login``, ``list``, ``hash`` and ``read``."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.support.openbis7.documents import md5
from tests.support.openbis7.faults import Faults
from tests.support.openbis7.lab import AfsFile, Lab, Thing

MOST_BYTES = 10 << 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RefusedError(Exception):
    """The answer is 400; the text is the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    body: bytes
    status: int = 200
    media_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class AfsService:
    """Answers calls. ``is_session`` asks the application server; ``reads`` are owners and paths of
    all chunks that were asked for, ``calls`` the methods of all calls."""

    lab: Lab
    faults: Faults
    is_session: Callable[[str], bool]
    log_in: Callable[[str, str], str | None]
    reads: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def answer(self, http: str, parameters: Mapping[str, str], body: bytes) -> Answer:
        method = parameters.get("method", "")
        self.calls.append(method)
        if self.faults.afs_is_away or self._has_read_enough():
            return self._away()
        try:
            return self._call(http, method, parameters, body)
        except RefusedError as error:
            content = {"id": "1", "result": None, "error": [str(error)]}
            return Answer(
                body=json.dumps(content).encode(), status=400, media_type="application/json"
            )

    def _has_read_enough(self) -> bool:
        most = self.faults.away_after_reads
        return most is not None and len(self.reads) >= most

    def _away(self) -> Answer:
        later = self.faults.retry_after
        headers = {"retry-after": str(int(later.total_seconds()))} if later else {}
        return Answer(body=b"away", status=503, media_type="text/plain", headers=headers)

    def _call(self, http: str, method: str, parameters: Mapping[str, str], body: bytes) -> Answer:
        usual = {"login": "POST", "logout": "POST", "read": "POST"}.get(method, "GET")
        if http != usual:
            raise RefusedError(f"{method} is called with {usual}")
        if method == "login":
            token = self.log_in(parameters["userId"], parameters["password"])
            return _text(token or "")
        session = parameters.get("sessionToken", "")
        if method == "isSessionValid":
            return _text(str(self.is_session(session)).lower())
        if not self.is_session(session):
            raise RefusedError(f"Session doesn't exist, session token: {session}")
        return self._files(method, parameters, body)

    def _files(self, method: str, parameters: Mapping[str, str], body: bytes) -> Answer:
        if self.faults.busy:
            self.faults.busy -= 1
            raise RefusedError("10011: Path is locked by another transaction")
        match method:
            case "list":
                return Answer(body=self._list(parameters).encode())
            case "hash":
                return _text(md5(self._file(parameters["owner"], parameters["source"])))
            case "read":
                return Answer(body=self._read(body))
        raise RefusedError(f"unknown method {method}")

    def _owner(self, perm_id: str) -> Thing:
        owner = self.lab.owner(perm_id)
        if owner is None or perm_id in self.faults.unreadable:
            raise RefusedError(f"10008: no rights on {perm_id} to perform the operation Read")
        return owner

    def _file(self, perm_id: str, path: str) -> AfsFile:
        owner = self._owner(perm_id)
        if not owner.afs or path not in owner.afs:
            raise RefusedError(f"java.nio.file.NoSuchFileException: {path}")
        return owner.afs[path]

    def _list(self, parameters: Mapping[str, str]) -> str:
        owner, source = parameters["owner"], parameters["source"].rstrip("/")
        return "\n".join(
            "\t".join([owner, path, path.rpartition("/")[2], "false", *_size_and_time(file)])
            for path, file in (self._owner(owner).afs or {}).items()
            if path == source or path.startswith(f"{source}/")
        )

    def _read(self, body: bytes) -> bytes:
        chunks = list(unpacked(body))
        if sum(chunk.limit for chunk in chunks) > MOST_BYTES:
            raise RefusedError(f"more than {MOST_BYTES} bytes")
        return packed([self._chunk(chunk) for chunk in chunks])

    def _chunk(self, chunk: Chunk) -> Chunk:
        self.reads.append((chunk.owner, chunk.path))
        content = self._file(chunk.owner, chunk.path).content
        if chunk.offset + chunk.limit > len(content):
            raise RefusedError(f"reading past the end of {chunk.path}")
        content = self.faults.other_bytes.get(chunk.path, content)
        end = min(chunk.offset + chunk.limit, self.faults.short_reads.get(chunk.path, 2**62))
        return Chunk(
            chunk.owner, chunk.path, chunk.offset, chunk.limit, content[chunk.offset : end]
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file, as it is asked for or given."""

    owner: str
    path: str
    offset: int
    limit: int
    data: bytes | None = b""


def packed(chunks: list[Chunk]) -> bytes:
    parts = [struct.pack(">i", len(chunks))]
    for chunk in chunks:
        parts += [_sized(chunk.owner.encode()), _sized(chunk.path.encode())]
        parts.append(struct.pack(">qi", chunk.offset, chunk.limit))
        parts.append(struct.pack(">i", -1) if chunk.data is None else _sized(chunk.data))
    return b"".join(parts)


def unpacked(body: bytes) -> Iterator[Chunk]:
    """Raises `RefusedError` for what is no array of chunks."""
    reading = _Reading(body)
    for _ in range(reading.number()):
        owner, path = reading.sized().decode(), reading.sized().decode()
        (offset,) = struct.unpack(">q", reading.take(8))
        yield Chunk(owner, path, offset, reading.number(), reading.sized())
    if reading.rest():
        raise RefusedError("something follows the chunks")


class _Reading:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        found = self._body[self._at : self._at + count]
        if len(found) < count:
            raise RefusedError("java.nio.BufferUnderflowException")
        self._at += count
        return found

    def number(self) -> int:
        return int(struct.unpack(">i", self.take(4))[0])

    def sized(self) -> bytes:
        length = self.number()
        return self.take(length) if length > 0 else b""

    def rest(self) -> bytes:
        return self._body[self._at :]


def _sized(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def _size_and_time(file: AfsFile) -> tuple[str, str]:
    return str(len(file.content)), str(round((file.modified - _EPOCH).total_seconds() * 1000))


def _text(text: str) -> Answer:
    return Answer(body=text.encode(), media_type="text/plain")
