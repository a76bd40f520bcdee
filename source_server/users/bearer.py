"""Bearer tokens (RFC 6750) beside Basic authentication."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from source_server.users.tokens_file import TokensFile, id_of


@runtime_checkable
class Knowing(Protocol):
    """An authenticator that can say whether a user could sign in."""

    def knows(self, user_id: str) -> bool: ...


class BearerTokens:
    """Decides whether a token counts. It counts only as long as its user could sign in with a
    password.

    It is an authenticator as well, by which wrong tokens are counted as wrong passwords are; its
    user ids are `counted_as`. A right token need not be counted: nobody guesses 256 bits, and wrong
    tokens from elsewhere must not stop a client.
    """

    def __init__(self, tokens: TokensFile, users: object) -> None:
        self._tokens = tokens
        self._users = users

    def user_of(self, token: str) -> str | None:
        """The user of a token that counts now; else None."""
        user_id = self._tokens.user_of(token)
        if user_id is None or not isinstance(self._users, Knowing):
            return None
        return user_id if self._users.knows(user_id) else None

    def accepts(self, _counted: str, token: str) -> bool:
        return self.user_of(token) is not None


def counted_as(token: str) -> str:
    """The name under which guesses of a token are counted. It has a colon, which no user id has."""
    return f"token:{id_of(token)}"


def parse_bearer(header: str | None) -> str | None:
    """The token of an ``Authorization`` header; None if it has none."""
    scheme, _, token = (header or "").strip().partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def bearer_challenge(realm: str) -> str:
    """What ``WWW-Authenticate`` says, besides, to a client whose token does not count."""
    escaped = realm.replace("\\", "\\\\").replace('"', '\\"')
    return f'Bearer realm="{escaped}", error="invalid_token"'
