"""The file of users and password hashes of openbis-sync, for instances that have none.

JSON: ``{"users": {"mira": {"password": "$argon2id$..."}}}``. The rights of the users are not here:
they follow from the roles of the published instance.
"""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.atomic_file import write_atomically
from shared.errors import ConfigError
from shared.passwords import verify_password

_Stamp = tuple[int, int, int]


class UsersFile:
    """A directory of users, read again whenever the file has changed. A missing file has no
    users."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._hashes: dict[str, str] = {}

    def password_hash(self, user_id: str) -> str | None:
        """Raises `ConfigError` if the file cannot be understood."""
        return self._current().get(user_id)

    def verify(self, stored: str, password: str) -> bool:
        return verify_password(stored, password)

    def user_ids(self) -> list[str]:
        """All users, sorted."""
        return sorted(self._current())

    def add(self, user_id: str, password_hash: str) -> None:
        """Raises `ConfigError` if the user is there already."""
        with self._changing() as hashes:
            if user_id in hashes:
                raise ConfigError(
                    f"{self._path}: user {user_id!r} exists already; "
                    "a new password is set with: source-server user passwd"
                )
            hashes[user_id] = password_hash

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Raises `ConfigError` if there is no such user."""
        with self._changing() as hashes:
            if user_id not in hashes:
                raise ConfigError(
                    f"{self._path}: user {user_id!r} does not exist; add the user first"
                )
            hashes[user_id] = password_hash

    def _current(self) -> dict[str, str]:
        with self._lock:
            # The stamp is older than the content: a change in between is seen at the next question.
            stamp = _stamp_of(self._path)
            if stamp is None:
                self._hashes = {}
            elif stamp != self._stamp:
                self._hashes = _read(self._path)
            self._stamp = stamp
            return self._hashes

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        """Open the users in the file to change them; only one program can do so at a time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # The lock is on a file of its own: the file of users is replaced when it is written, and
        # a lock would stay with the old one.
        guard = self._path.with_name(f".{self._path.name}.lock")
        with guard.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            hashes = _read(self._path) if self._path.exists() else {}
            yield hashes
            _write(self._path, hashes)


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: the file of users cannot be read: {error}") from error
    users = content.get("users") if isinstance(content, dict) else None
    if not isinstance(users, dict) or not all(_is_user(entry) for entry in users.values()):
        raise ConfigError(
            f'{path}: this is no file of users; it should read {{"users": {{"<user id>": '
            '{"password": "<hash>"}}} and is written by: source-server user add'
        )
    return {user_id: entry["password"] for user_id, entry in users.items()}


def _is_user(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("password"), str)


def _write(path: Path, hashes: dict[str, str]) -> None:
    """Write the file; only its owner may read a new one."""
    users = {user_id: {"password": hashes[user_id]} for user_id in sorted(hashes)}
    text = json.dumps({"users": users}, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, text, mode=0o600)
