"""Checks who may post requests and read rows.

Allowed are users of the source server, by Basic authentication or by a bearer token of their own,
and clients with the token of the settings. If neither is configured, only clients on this machine
are allowed; requests that came through a proxy or from a web page are then refused, since their
sender may be elsewhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from opendcim.connector.settings import ConnectorSettings, is_loopback
from shared.errors import ConfigError
from source_server.settings import SourceSettings
from source_server.users.bearer import BearerTokens, counted_as, parse_bearer
from source_server.users.sign_in import Authenticator, challenge, parse_basic
from source_server.users.tokens_file import TokensFile, id_of
from source_server.web.guesses import Guesses, TooManyGuessesError
from source_server.workers.common import ALONE, Common

EVERYBODY = "*"
# Headers that a proxy or a browser adds.
_BETWEEN = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "origin")


@dataclass(frozen=True, slots=True)
class Refused:
    status: int
    code: str
    message: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """``authenticator`` checks the passwords of users; ``token`` is that of the settings."""

    users: frozenset[str]
    token: SecretStr | None
    realm: str
    authenticator: Authenticator | None
    guesses: Guesses
    # Those of the users, which the source server keeps.
    user_tokens: BearerTokens | None = None

    @classmethod
    def of(
        cls,
        settings: ConnectorSettings,
        server: SourceSettings,
        authenticator: Authenticator | None,
        common: Common = ALONE,
    ) -> Access:
        """Raises `ConfigError` if the settings would let in more clients than intended."""
        users = frozenset(settings.opendcim_connector_users or ())
        token = settings.opendcim_connector_token
        if users and authenticator is None:
            raise ConfigError(
                "opendcim-connector-users: this server has no users; set users-file, or use "
                "opendcim-connector-token"
            )
        if not users and token is None:
            _check_privacy(server)
        return cls(
            users=users,
            token=token,
            realm=server.auth_realm,
            authenticator=authenticator,
            guesses=Guesses.of(server, common, "connector-guesses"),
            user_tokens=(
                BearerTokens(TokensFile(server.tokens_file), authenticator) if users else None
            ),
        )

    def client(self, headers: Mapping[str, str], peer: str | None) -> str | Refused:
        """The client's name, for logs. Checking passwords takes time: call it in a thread."""
        if not self.users and self.token is None:
            return _local(headers, peer)
        authorization = headers.get("authorization")
        if self._is_token(authorization):
            return "(token)"
        credentials = parse_basic(authorization)
        token = parse_bearer(authorization) or ""
        try:
            if credentials and self.users and self.authenticator:
                return self._with_password(credentials, self.authenticator, peer or "")
            if id_of(token) and self.user_tokens:
                return self._with_token(token, self.user_tokens, peer or "")
        except TooManyGuessesError as error:
            retry = {"Retry-After": str(error.seconds)}
            return Refused(429, "TooManyRequests", str(error), retry)
        return self._unknown()

    def _with_password(
        self, credentials: tuple[str, str], authenticator: Authenticator, peer: str
    ) -> str | Refused:
        if not self.guesses.accepted(authenticator, *credentials, peer):
            return self._unknown()
        return self._if_listed(credentials[0])

    def _with_token(self, token: str, tokens: BearerTokens, peer: str) -> str | Refused:
        user_id = tokens.user_of(token)
        if user_id is not None:
            return self._if_listed(user_id)
        self.guesses.accepted(tokens, counted_as(token), token, peer)  # to count it
        return self._unknown()

    def _if_listed(self, user_id: str) -> str | Refused:
        # Only the right password or token leads here, so a guess shows no user of the list.
        if user_id in self.users or EVERYBODY in self.users:
            return user_id
        return Refused(
            403, "Forbidden", f"the user {user_id!r} is not in opendcim-connector-users", {}
        )

    def _unknown(self) -> Refused:
        ways = ["user and password"] if self.users else []
        ways += ["the token, as Authorization: Bearer <token>,"] if self.token else []
        schemes = [challenge(self.realm)] if self.users else ["Bearer"]
        return Refused(
            401,
            "Unauthorized",
            f"{' or '.join(ways)} must be sent along, and these are not right",
            {"WWW-Authenticate": ", ".join(schemes)},
        )

    def _is_token(self, authorization: str | None) -> bool:
        scheme, _, given = (authorization or "").strip().partition(" ")
        if self.token is None or scheme.casefold() != "bearer":
            return False
        expected = self.token.get_secret_value().encode()
        return secrets.compare_digest(given.strip().encode("utf-8", "replace"), expected)


def _check_privacy(settings: SourceSettings) -> None:
    keys = (
        ("address", settings.address),
        ("download-url", urlsplit(settings.download_url).hostname or ""),
    )
    for key, host in keys:
        if not is_loopback(host):
            raise ConfigError(
                f"opendcim-connector-users or opendcim-connector-token is missing: {key} = "
                f"{host} says that others than this machine reach the server, so say who may "
                "send external requests"
            )


def _local(headers: Mapping[str, str], peer: str | None) -> str | Refused:
    # A page can reach this machine by a name of its own that leads here; Host shows that name.
    host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    between = [name for name in _BETWEEN if name in headers]
    if peer and is_loopback(peer) and is_loopback(host) and not between:
        return "(this machine)"
    return Refused(
        403,
        "Forbidden",
        "only programs on this machine may do this, at its address localhost; to let others in, "
        "set opendcim-connector-users or opendcim-connector-token",
        {},
    )
