"""Who is asking: Basic authentication against one or several directories of users.

The first directory that knows the user decides, as in openBIS. Passwords are hashed with Argon2,
which is slow on purpose; so that a client may fetch thousands of files, a password that was right
is remembered for a short time.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from shared.passwords import hash_password, verify_password

_AT_ONCE = 2
"""Verifications, which have few threads of their own (`shared.passwords`)."""
_LONGEST_REFUSAL = 0.5
"""Seconds that a refusal is made to take, if an older kind of hash took as long."""

_ARGON2 = "$argon2"


class UserDirectory(Protocol):
    """Where users and hashes of their passwords are kept."""

    def password_hash(self, user_id: str) -> str | None:
        """None if the directory does not know the user or holds no password of theirs."""
        ...

    def verify(self, stored: str, password: str) -> bool:
        """Whether a hash of this directory is that of the password."""
        ...


class Authenticator(Protocol):
    """Decides whether a password is right."""

    def accepts(self, user_id: str, password: str) -> bool: ...


class DirectoryAuthenticator:
    """Asks the directories in turn. Every refusal costs one Argon2 verification, whether or not
    the user exists, so that the time of an answer tells nothing about users."""

    def __init__(self, directories: Sequence[UserDirectory], *, remember: float = 60.0) -> None:
        """``remember``: seconds for which a right password is not verified again."""
        self._directories = tuple(directories)
        self._remembered = _Remembered(remember)
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._decoy = hash_password(secrets.token_hex())
        self._slowest = 0.0

    def accepts(self, user_id: str, password: str) -> bool:
        directory, stored = self._find(user_id)
        if directory is None:
            with self._slots, self._even_refusals() as refused:
                verify_password(self._decoy, password)
                refused.append(True)
            return False
        login = (user_id, password, stored)
        if login in self._remembered:
            return True
        with self._slots:
            if login in self._remembered:  # while waiting, another request was faster
                return True
            with self._even_refusals() as refused:
                good = self._verify(directory, stored, password)
                refused.append(not good)
        if good:
            self._remembered.add(login)
        return good

    def remembers(self, user_id: str, password: str) -> bool:
        """Whether this login was right a short time ago, and nothing has changed."""
        directory, stored = self._find(user_id)
        return directory is not None and (user_id, password, stored) in self._remembered

    def _find(self, user_id: str) -> tuple[UserDirectory | None, str]:
        for directory in self._directories:
            stored = directory.password_hash(user_id)
            if stored is not None:
                return directory, stored
        return None, ""

    @contextmanager
    def _even_refusals(self) -> Iterator[list[bool]]:
        """Around a verification, which says whether it was refused. A refusal takes as long as the
        slowest one so far: hashes of older versions take longer than that of an unknown user."""
        began, refused = time.monotonic(), list[bool]()
        yield refused
        if any(refused):
            took = time.monotonic() - began
            self._slowest = min(max(self._slowest, took), _LONGEST_REFUSAL)
            time.sleep(max(0.0, self._slowest - took))

    def _verify(self, directory: UserDirectory, stored: str, password: str) -> bool:
        good = directory.verify(stored, password)
        if not good and not stored.startswith(_ARGON2):
            verify_password(self._decoy, password)
        return good


class _Remembered:
    """Logins that were right a short time ago, as keyed hashes: no password stays in memory.

    The stored hash is part of a login, so that a changed password is noticed at once.
    """

    _MOST = 1_000

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._key = secrets.token_bytes(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, login: tuple[str, ...]) -> bool:
        with self._lock:
            return self._until.get(self._digest(login), 0.0) > time.monotonic()

    def add(self, login: tuple[str, ...]) -> None:
        digest = self._digest(login)
        with self._lock:
            self._until[digest] = time.monotonic() + self._seconds
            self._until.move_to_end(digest)
            if len(self._until) > self._MOST:
                self._until.popitem(last=False)

    def _digest(self, login: tuple[str, ...]) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for part in login:
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
        return digest.digest()


def parse_basic(header: str | None) -> tuple[str, str] | None:
    """User id and password of an ``Authorization`` header; None if it holds none.

    The credentials are UTF-8, else ISO-8859-1 (RFC 7617 leaves it open). The user id ends at the
    first colon; the password may contain more.
    """
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(token.strip(), validate=True)
    except ValueError:
        return None
    user_id, colon, password = _text(decoded).partition(":")
    if not colon or not user_id or any(unicodedata.category(c) == "Cc" for c in user_id):
        return None
    return user_id, password


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")


def challenge(realm: str) -> str:
    """The value of ``WWW-Authenticate``."""
    escaped = realm.replace("\\", "\\\\").replace('"', '\\"')
    return f'Basic realm="{escaped}", charset="UTF-8"'
