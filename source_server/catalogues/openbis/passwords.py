"""openBIS's own password file: ``<AS>/jetty/etc/passwd``, or ``passwd_cache`` beside it.

A line per user: user id, e-mail, first name, last name, hash, split by colons; the cache has a
sixth field, a time. The hash is Base64 of four bytes of salt and of SHA-1 over salt and password.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.errors import ConfigError

_LOG = logging.getLogger(__name__)

_FIELDS = frozenset({5, 6})
_SALT_LENGTH = 4
_HASH_LENGTH = _SALT_LENGTH + 20
# A hash that fits no password; it is verified for unknown users, so that they take as long as known
# ones.
_FITS_NOTHING = base64.b64encode(bytes(_HASH_LENGTH)).decode()

_Stamp = tuple[int, int, int]


class PasswordFile:
    """A directory of users. The file is read again whenever it has changed.

    Raises `ConfigError` if the file cannot be read at first. A line that cannot be understood is
    reported with its number, never with its content, and only its user cannot log in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._stamp, self._hashes = self._read()
        except OSError as fault:
            raise ConfigError(
                f"the password file {path} cannot be read: {fault.strerror}; name openBIS's"
                " jetty/etc/passwd, or a copy of it that this program may read"
            ) from fault

    def password_hash(self, user_id: str) -> str | None:
        """The user's hash; user ids are compared exactly. None if the user is unknown or has no
        password, so that nobody can log in as that user."""
        return self._current().get(user_id)

    def verify(self, stored: str, password: str) -> bool:
        """Whether a hash of this file is that of the password."""
        decoded = base64.b64decode(stored)
        salt, expected = decoded[:_SALT_LENGTH], decoded[_SALT_LENGTH:]
        salted = salt + password.encode("utf-8", "surrogatepass")
        digest = hashlib.sha1(salted, usedforsecurity=False).digest()  # openBIS's choice
        return hmac.compare_digest(digest, expected)

    def accepts(self, user_id: str, password: str) -> bool:
        """Whether this is the password of that user."""
        stored = self.password_hash(user_id)
        fits = self.verify(stored or _FITS_NOTHING, password)
        return fits and stored is not None

    def _current(self) -> dict[str, str | None]:
        """The hashes. openBIS replaces the file by renaming; while it cannot be read, the last
        content counts."""
        with self._lock:
            try:
                if _stamp_of(self._path) != self._stamp:
                    self._stamp, self._hashes = self._read()
            except OSError as fault:
                _LOG.warning(
                    "the password file %s cannot be read: %s; what was read last is still used",
                    self._path,
                    fault.strerror,
                )
            return self._hashes

    def _read(self) -> tuple[_Stamp, dict[str, str | None]]:
        # The stamp is older than the content: a file that is replaced in between is read once more.
        stamp = _stamp_of(self._path)
        return stamp, dict(self._users(self._path.read_bytes().splitlines()))

    def _users(self, lines: Sequence[bytes]) -> Iterator[tuple[str, str | None]]:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield _user(line)
            except ValueError as fault:
                _LOG.warning(
                    "%s:%d: %s; this user cannot log in, the others can", self._path, number, fault
                )


def _user(line: bytes) -> tuple[str, str | None]:
    """User id and hash; ValueError, without any of the content, if the line is damaged."""
    fields = line.decode("utf-8").split(":")
    if len(fields) not in _FIELDS:
        raise ValueError(f"5 fields, or 6 in a cache, are split by colons, not {len(fields)}")
    user_id, stored = fields[0], fields[4].strip()
    length = len(base64.b64decode(stored, validate=True))
    if length not in {0, _HASH_LENGTH}:
        raise ValueError(f"the hash has {length} bytes instead of {_HASH_LENGTH}")
    return user_id, stored or None


def _stamp_of(path: Path) -> _Stamp:
    status = path.stat()
    # The i-node tells a file that was put in its place by renaming, even if time and size agree.
    return status.st_mtime_ns, status.st_size, status.st_ino
