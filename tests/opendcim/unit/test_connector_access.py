"""Who may send external requests."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from opendcim.connector.access import Access, Refused
from source_server.users.bearer import BearerTokens
from source_server.users.tokens_file import TokensFile
from source_server.web.guesses import Guesses

ACCOUNTS = {"mira": "p:1", "tom": "p2"}


class Accounts:
    def accepts(self, user_id: str, password: str) -> bool:
        return ACCOUNTS.get(user_id) == password


def access(*users: str, token: str | None = None) -> Access:
    return Access(
        users=frozenset(users),
        token=SecretStr(token) if token else None,
        realm="here",
        authenticator=Accounts(),
        guesses=Guesses(most=0, longest=1),
    )


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def status(found: str | Refused) -> str | int:
    return found.status if isinstance(found, Refused) else found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (basic("mira", "p:1"), "mira"),
        (basic("mira", "wrong"), 401),
        (basic("tom", "p2"), 403),
        (basic("tom", "wrong"), 401),
        ({}, 401),
        ({"authorization": "Bearer p:1"}, 401),
    ],
)
def test_named_users_are_let_in_with_their_passwords(
    headers: dict[str, str], found: str | int
) -> None:
    assert status(access("mira").client(headers, "203.0.113.7")) == found


def test_named_users_are_let_in_with_their_bearer_tokens(tmp_path: Path) -> None:
    class Known(Accounts):
        def knows(self, user_id: str) -> bool:
            return user_id in ACCOUNTS

    tokens = TokensFile(tmp_path / "tokens.json")
    mira, tom, ann = (tokens.add(user) for user in ("mira", "tom", "ann"))
    door = replace(
        access("mira", token="of the settings"),
        authenticator=Known(),
        user_tokens=BearerTokens(tokens, Known()),
        guesses=Guesses(most=2, longest=60),
    )

    def found(token: str) -> str | int:
        return status(door.client({"authorization": f"Bearer {token}"}, "203.0.113.7"))

    assert found(mira) == "mira"
    assert found("of the settings") == "(token)"
    assert found(tom) == 403
    assert [found(ann), found(ann), found(ann)] == [401, 401, 429]
    assert found(mira) == "mira"


def test_all_users_are_let_in_if_the_operator_says_so() -> None:
    assert access("*").client(basic("tom", "p2"), None) == "tom"
    assert status(access("*").client(basic("ann", "p2"), None)) == 401


def test_users_and_a_token_may_go_side_by_side() -> None:
    both = access("mira", token="t")

    assert both.client({"authorization": "Bearer t"}, None) == "(token)"
    assert both.client(basic("mira", "p:1"), None) == "mira"
    refused = both.client({}, None)
    assert isinstance(refused, Refused)
    assert "user and password or the token" in refused.message
    assert refused.headers["WWW-Authenticate"].startswith('Basic realm="here"')


def test_a_token_alone_lets_no_user_in() -> None:
    assert status(access(token="t").client(basic("mira", "p:1"), "127.0.0.1")) == 401


@pytest.mark.parametrize(
    ("peer", "host", "found"),
    [
        ("127.0.0.1", "localhost:8080", "(this machine)"),
        ("::1", "[::1]:8080", "(this machine)"),
        ("127.0.0.1", "127.0.0.1", "(this machine)"),
        ("127.0.0.1", "", 403),
        ("127.0.0.1", "example.org", 403),
        ("203.0.113.7", "localhost", 403),
        (None, "localhost", 403),
    ],
)
def test_without_users_and_token_it_is_this_machine_or_nobody(
    peer: str | None, host: str, found: str | int
) -> None:
    assert status(access().client({"host": host}, peer)) == found
