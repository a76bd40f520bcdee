"""Users, their keys and their roles.

A key is long and random, so a plain hash of it is safe to store. It is shown once, when it is
issued. A user with a key may submit; administrators may do everything; moderators decide on
templates of their manufacturers.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select

from opendcim.repository.storage import now
from opendcim.repository.tables import manufacturer, moderator, user
from shared.errors import ConfigError

_SHORTEST_KEY = 12
_LONGEST_ID = 255
_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user with a valid key."""

    user_id: str
    administrator: bool = False
    # Ids of manufacturers.
    moderates: frozenset[int] = frozenset()
    # Changes with the key; not a secret.
    key_mark: str = ""

    @property
    def may_moderate(self) -> bool:
        return self.administrator or bool(self.moderates)

    def may_decide_on(self, manufacturer_id: int) -> bool:
        return self.administrator or manufacturer_id in self.moderates


def add_user(connection: Connection, user_id: str, key: str | None = None) -> str:
    """Returns the key; a new one is made if none is given. Raises `ConfigError`."""
    _check_id(user_id)
    known = _row(connection, user_id)
    if known is not None:
        raise ConfigError(
            f"user {known.user_id!r} exists already; "
            "a new key is issued with: source-server opendcim user key"
        )
    issued = _usable(key) if key is not None else secrets.token_hex(_BYTES)
    _refuse_taken(connection, issued)
    connection.execute(
        user.insert().values(
            user_id=user_id, folded=user_id.casefold(), key_hash=_hashed(issued), created=now()
        )
    )
    return issued


def issue_key(connection: Connection, user_id: str, key: str | None = None) -> str:
    """Issues a new key; the old one becomes invalid. Raises `ConfigError`."""
    known = _known(connection, user_id)
    issued = _usable(key) if key is not None else secrets.token_hex(_BYTES)
    _refuse_taken(connection, issued)
    _set_hash(connection, known.user_id, _hashed(issued))
    return issued


def revoke_key(connection: Connection, user_id: str) -> None:
    """The user can do nothing until a new key is issued. Raises `ConfigError`."""
    _set_hash(connection, _known(connection, user_id).user_id, None)


def user_of_key(connection: Connection, key: str) -> User | None:
    """The user with this key, or None."""
    hashed = _hashed(key)
    row = connection.execute(select(user).where(user.c.key_hash == hashed)).first()
    if row is None or not hmac.compare_digest(row.key_hash, hashed):
        return None
    return _user(connection, row)


def find_user(connection: Connection, user_id: str) -> User | None:
    """The user with this id, ignoring case; None if the user has no key."""
    row = _row(connection, user_id)
    return _user(connection, row) if row is not None and row.key_hash else None


def users(connection: Connection) -> list[tuple[User, bool]]:
    """All users, and whether they have a key."""
    rows = connection.execute(select(user).order_by(user.c.folded)).all()
    return [(_user(connection, row), row.key_hash is not None) for row in rows]


def set_administrator(connection: Connection, user_id: str, *, administrator: bool) -> None:
    """Raises `ConfigError`."""
    # The command may spell the id with other capitals than the row that the update must match.
    known = _known(connection, user_id).user_id
    change = user.update().where(user.c.user_id == known)
    connection.execute(change.values(administrator=administrator))


def set_moderator(
    connection: Connection, user_id: str, manufacturer_id: int, *, moderates: bool
) -> None:
    """Raises `ConfigError` if there is no such user or manufacturer."""
    known = _known(connection, user_id).user_id
    number = manufacturer.c.manufacturer_id
    if connection.execute(select(number).where(number == manufacturer_id)).first() is None:
        raise ConfigError(
            f"manufacturer {manufacturer_id} does not exist; they are listed by: source-server "
            "opendcim manufacturer list"
        )
    mine = (moderator.c.user_id == known) & (moderator.c.manufacturer_id == manufacturer_id)
    # Deleting first lets the command be repeated: a second row would violate the primary key.
    connection.execute(moderator.delete().where(mine))
    if moderates:
        values = {"user_id": known, "manufacturer_id": manufacturer_id}
        connection.execute(moderator.insert().values(**values))


def same_user(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _user(connection: Connection, row: Row[tuple[object, ...]]) -> User:
    theirs = moderator.c.user_id == row.user_id
    numbers = connection.execute(select(moderator.c.manufacturer_id).where(theirs)).scalars()
    return User(
        user_id=row.user_id,
        administrator=bool(row.administrator),
        moderates=frozenset(numbers),
        key_mark=str(row.key_hash or "")[:16],
    )


def _row(connection: Connection, user_id: str) -> Row[tuple[object, ...]] | None:
    query = select(user).where(user.c.folded == user_id.strip().casefold())
    return connection.execute(query).first()


def _known(connection: Connection, user_id: str) -> Row[tuple[object, ...]]:
    row = _row(connection, user_id)
    if row is None:
        raise ConfigError(f"user {user_id!r} does not exist; add the user first")
    return row


def _set_hash(connection: Connection, user_id: str, key_hash: str | None) -> None:
    connection.execute(user.update().where(user.c.user_id == user_id).values(key_hash=key_hash))


def _refuse_taken(connection: Connection, key: str) -> None:
    # The key alone names the user of a request (`user_of_key`), so no two users may share one.
    if connection.execute(select(user).where(user.c.key_hash == _hashed(key))).first():
        raise ConfigError("somebody else has this key; nothing was changed")


def _check_id(user_id: str) -> None:
    usable = user_id.isprintable() and user_id.isascii() and user_id.strip() == user_id
    if not user_id or not usable or len(user_id) > _LONGEST_ID:
        raise ConfigError(
            f"{user_id!r} cannot be a user id: it travels in a header, so it must be ASCII, "
            "not blank, and without white space at its ends; an e-mail address is usual"
        )


def _usable(key: str) -> str:
    printable = key.isascii() and not any(unicodedata.category(c) in {"Cc", "Zs"} for c in key)
    if len(key) < _SHORTEST_KEY or not printable:
        raise ConfigError(
            f"a key must be ASCII without spaces, of at least {_SHORTEST_KEY} characters; "
            "nothing was changed"
        )
    return key


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
