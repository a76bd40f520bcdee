"""The file of users and password hashes of openbis-sync, for instances that have none.

JSON: ``{"users": {"mira": {"password": "$argon2id$..."}}}``. The rights of the users are not here:
they follow from the roles of the published instance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.errors import ConfigError
from shared.passwords import verify_password
from source_server.users.kept_file import KeptFile


class UsersFile:
    """A directory of users, read again whenever the file has changed. A missing file has no
    users."""

    def __init__(self, path: Path) -> None:
        self._file = KeptFile(path, _read, _to_json)

    def password_hash(self, user_id: str) -> str | None:
        """Raises `ConfigError` if the file cannot be understood."""
        return self._file.current().get(user_id)

    def verify(self, stored: str, password: str) -> bool:
        return verify_password(stored, password)

    def user_ids(self) -> list[str]:
        """All users, sorted."""
        return sorted(self._file.current())

    def add(self, user_id: str, password_hash: str) -> None:
        """Raises `ConfigError` if the user is there already."""
        with self._file.changing() as hashes:
            if user_id in hashes:
                raise ConfigError(
                    f"{self._file.path}: user {user_id!r} exists already; "
                    "a new password is set with: source-server user passwd"
                )
            hashes[user_id] = password_hash

    def set_password(self, user_id: str, password_hash: str) -> None:
        """Raises `ConfigError` if there is no such user."""
        with self._file.changing() as hashes:
            if user_id not in hashes:
                raise ConfigError(
                    f"{self._file.path}: user {user_id!r} does not exist; add the user first"
                )
            hashes[user_id] = password_hash


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


def _to_json(hashes: dict[str, str]) -> Any:
    return {"users": {user_id: {"password": hashes[user_id]} for user_id in sorted(hashes)}}
