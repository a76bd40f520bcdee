"""Argon2 hashes of passwords."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# Kibibytes. OWASP recommends this with two passes; the usual 64 MiB would be more than all other
# memory of a server, taken several times at once by a client that guesses.
_MEMORY = 19 * 1024

_AT_ONCE = 2
# The only threads that hash: the allocator keeps the memory of each thread.
_pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
_hasher = PasswordHasher(memory_cost=_MEMORY, time_cost=4, parallelism=1)


def hash_password(password: str) -> str:
    """An Argon2id hash with its parameters and salt."""
    return _pool.submit(_hasher.hash, password).result()


def verify_password(stored: str, password: str) -> bool:
    """Whether the password has this hash; False for a hash of another kind."""
    try:
        return _pool.submit(_hasher.verify, stored, password).result()
    except (VerificationError, InvalidHashError):
        return False
