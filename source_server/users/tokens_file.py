"""The file of bearer tokens, for programs that know no passwords (stock ResourceSync clients).

JSON: ``{"tokens": {"<id>": {"user": "mira", "sha256": "...", "created": "...", "expires": null,
"note": "..."}}}``. Of a token only a hash is kept. A plain SHA-256 suffices, since a token has 256
random bits. The rights are those of its user when it is used.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.atomic_file import write_atomically
from shared.errors import ConfigError
from shared.resourcesync.timestamps import format_timestamp, parse_timestamp

_PREFIX = "obsync"
_ID_BYTES = 5
_SECRET_BYTES = 32

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token without its secret. ``expires``: it counts before this time; None: for ever."""

    id: str
    user_id: str
    sha256: str
    created: datetime
    expires: datetime | None = None
    note: str = ""

    def counts_at(self, now: datetime) -> bool:
        return self.expires is None or now < self.expires


def id_of(token: str) -> str:
    """The id that a token names; nothing for a text that is no token."""
    prefix, _, rest = token.partition("_")
    name, _, secret = rest.partition("_")
    return name if prefix == _PREFIX and secret else ""


class TokensFile:
    """The tokens, read again whenever the file has changed. A missing file has none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._known: dict[str, Token] = {}

    def user_of(self, token: str) -> str | None:
        """The user of a token that counts now; else None. Raises `ConfigError` if the file cannot
        be understood."""
        known = self._current().get(id_of(token))
        if known is None or not secrets.compare_digest(known.sha256, _digest(token)):
            return None
        return known.user_id if known.counts_at(datetime.now(UTC)) else None

    def tokens(self) -> list[Token]:
        """All tokens, by user, the oldest first."""
        return sorted(self._current().values(), key=lambda each: (each.user_id, each.created))

    def add(self, user_id: str, *, lifetime: timedelta | None = None, note: str = "") -> str:
        """Make a token for a user. Returns it; nothing can show it again."""
        now = datetime.now(UTC).replace(microsecond=0)
        with self._changing() as known:
            name = _new_id(known)
            token = f"{_PREFIX}_{name}_{secrets.token_urlsafe(_SECRET_BYTES)}"
            known[name] = Token(
                id=name,
                user_id=user_id,
                sha256=_digest(token),
                created=now,
                expires=None if lifetime is None else now + lifetime,
                note=note,
            )
        return token

    def remove(self, name: str) -> None:
        """Remove the token with this id. Raises `ConfigError` if there is none."""
        with self._changing() as known:
            if name not in known:
                raise ConfigError(
                    f"{self._path}: there is no token with the id {name!r}; all are shown by: "
                    "source-server user token list"
                )
            del known[name]

    def _current(self) -> dict[str, Token]:
        with self._lock:
            # The stamp is older than the content: a change in between is seen at the next question.
            stamp = _stamp_of(self._path)
            if stamp is None:
                self._known = {}
            elif stamp != self._stamp:
                self._known = _read(self._path)
            self._stamp = stamp
            return self._known

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Token]]:
        """Open the tokens to change them; only one program can do so at a time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # The lock is on a file of its own, since the file of tokens is replaced.
        guard = self._path.with_name(f".{self._path.name}.lock")
        with guard.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = _read(self._path) if self._path.exists() else {}
            yield known
            _write(self._path, known)


def _new_id(known: dict[str, Token]) -> str:
    while (name := secrets.token_hex(_ID_BYTES)) in known:
        continue
    return name


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> dict[str, Token]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: _token(name, entry) for name, entry in content["tokens"].items()}
    except OSError as error:
        raise ConfigError(f"{path}: the file of tokens cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}: this is no file of tokens; it is written by: source-server user token add"
        ) from error


def _token(name: str, entry: dict[str, Any]) -> Token:
    """Raises `KeyError`, `TypeError` or `ValueError` if the entry is none."""
    texts = {key: entry[key] for key in ("user", "sha256", "created", "note")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError(name)
    expires = entry["expires"]
    return Token(
        id=name,
        user_id=texts["user"],
        sha256=texts["sha256"],
        created=parse_timestamp(texts["created"]),
        expires=None if expires is None else parse_timestamp(expires),
        note=texts["note"],
    )


def _write(path: Path, known: dict[str, Token]) -> None:
    """Write the file; only its owner may read a new one."""
    tokens = {
        each.id: {
            "user": each.user_id,
            "sha256": each.sha256,
            "created": format_timestamp(each.created),
            "expires": None if each.expires is None else format_timestamp(each.expires),
            "note": each.note,
        }
        for each in sorted(known.values(), key=lambda each: each.id)
    }
    text = json.dumps({"tokens": tokens}, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, text, mode=0o600)
