"""Argon2 hashes of passwords."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_MEMORY = 19 * 1024
"""Kibibytes. OWASP advises this much with two passes; the usual 64 MiB would be more than all else
that a server takes, and somebody who guesses would have it taken several times at once."""

_AT_ONCE = 2
_pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
"""The only threads that hash: the allocator keeps for each thread what that took once."""
_hasher = PasswordHasher(memory_cost=_MEMORY, time_cost=4, parallelism=1)


def hash_password(password: str) -> str:
    """An Argon2id hash with its parameters and salt, to be stored."""
    return _pool.submit(_hasher.hash, password).result()


def verify_password(stored: str, password: str) -> bool:
    """Whether the password is the one that was hashed; False too for a hash of another kind."""
    try:
        return _pool.submit(_hasher.verify, stored, password).result()
    except (VerificationError, InvalidHashError):
        return False
