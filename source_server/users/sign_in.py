"""Basic authentication against one or several directories of users.

The first directory that knows the user decides, as in openBIS. Passwords are hashed with Argon2,
which is slow on purpose; so that a client can fetch thousands of files, a right password is
remembered for a short time.
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
from source_server.workers.common import ALONE, Common

# Verifications at the same time in one process; they have few threads of their own
# (`shared.passwords`).
_AT_ONCE = 2
# Upper limit, in seconds, of the time to which refusals are prolonged.
_LONGEST_REFUSAL = 0.5

_ARGON2 = "$argon2"


class UserDirectory(Protocol):
    """A place where users and hashes of their passwords are kept."""

    def password_hash(self, user_id: str) -> str | None:
        """The user's hash; None if the directory does not know the user or has no password for
        them."""
        ...

    def verify(self, stored: str, password: str) -> bool:
        """Whether the hash ``stored``, which is from this directory, is that of the password."""
        ...


class Authenticator(Protocol):
    """Decides whether a password is right."""

    def accepts(self, user_id: str, password: str) -> bool: ...


class DirectoryAuthenticator:
    """Asks the directories in turn. Each refusal costs one Argon2 verification, also for an unknown
    user, so that the time of an answer does not show which users exist."""

    def __init__(
        self,
        directories: Sequence[UserDirectory],
        *,
        remember: float = 60.0,
        common: Common = ALONE,
        name: str = "logins",
    ) -> None:
        """A right password is not verified again for ``remember`` seconds, by any worker that
        remembers under the same ``name``."""
        self._directories = tuple(directories)
        self._remembered = _Remembered(remember, common.one(name, _Logins))
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
        """Whether this login was right a short time ago, and the stored hash is still the same."""
        directory, stored = self._find(user_id)
        return directory is not None and (user_id, password, stored) in self._remembered

    def knows(self, user_id: str) -> bool:
        """Whether one of the directories has a password of the user."""
        return self._find(user_id)[0] is not None

    def _find(self, user_id: str) -> tuple[UserDirectory | None, str]:
        for directory in self._directories:
            stored = directory.password_hash(user_id)
            if stored is not None:
                return directory, stored
        return None, ""

    @contextmanager
    def _even_refusals(self) -> Iterator[list[bool]]:
        """Surround a verification, which appends whether it was refused. A refusal takes as long as
        the slowest one so far: hashes of older versions take longer than that of an unknown
        user."""
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


class _Logins:
    """Times, by the clock that never goes back, until which logins count as right. Logins are keyed
    hashes: no password stays in memory."""

    _MOST = 1_000

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def key(self) -> bytes:
        """The key of the hashes."""
        return self._key

    def until(self, digest: bytes) -> float:
        with self._lock:
            return self._until.get(digest, 0.0)

    def add(self, digest: bytes, until: float) -> None:
        with self._lock:
            self._until[digest] = until
            self._until.move_to_end(digest)
            if len(self._until) > self._MOST:
                self._until.popitem(last=False)


class _Remembered:
    """Logins that were right a short time ago. A login includes the stored hash, so that a changed
    password counts at once."""

    def __init__(self, seconds: float, common: _Logins) -> None:
        self._seconds = seconds
        self._key = common.key()
        # Those of all workers, and what this one knows of them: it is asked for each file.
        self._common = common
        self._own = _Logins()

    def __contains__(self, login: tuple[str, ...]) -> bool:
        digest, now = self._digest(login), time.monotonic()
        if self._own.until(digest) > now:
            return True
        until = self._common.until(digest)
        if until > now:
            self._own.add(digest, until)
        return until > now

    def add(self, login: tuple[str, ...]) -> None:
        digest, until = self._digest(login), time.monotonic() + self._seconds
        self._own.add(digest, until)
        self._common.add(digest, until)

    def _digest(self, login: tuple[str, ...]) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for part in login:
            encoded = part.encode("utf-8", "surrogatepass")
            # With its length before each part, no two logins have the same bytes.
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
        return digest.digest()


def parse_basic(header: str | None) -> tuple[str, str] | None:
    """User id and password of an ``Authorization`` header; None if it has none.

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
