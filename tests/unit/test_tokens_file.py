"""The file of bearer tokens: hashes only, read anew, each until it expires or is removed."""

from __future__ import annotations

import json
import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import ConfigError
from source_server.users.bearer import BearerTokens, counted_as, parse_bearer
from source_server.users.tokens_file import TokensFile, id_of
from tests.support.servers.source_site import Passwords


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conf" / "tokens.json"


def test_a_file_that_is_not_there_has_no_tokens(file: Path) -> None:
    assert TokensFile(file).user_of("obsync_0123456789_abc") is None
    assert TokensFile(file).tokens() == []


def test_a_token_is_that_of_its_user_at_once_in_a_running_server(file: Path) -> None:
    running, command = TokensFile(file), TokensFile(file)
    assert running.tokens() == []
    token = command.add("mira", note="the mirror")

    assert running.user_of(token) == "mira"
    assert [each.note for each in running.tokens()] == ["the mirror"]
    command.remove(id_of(token))
    assert running.user_of(token) is None


def test_only_a_hash_of_a_token_is_stored_and_only_for_its_owner_to_read(file: Path) -> None:
    token = TokensFile(file).add("mira")

    assert token not in file.read_text()
    assert token.rsplit("_", 1)[1] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_can_stand_in_a_header_and_is_never_the_same(file: Path) -> None:
    tokens = [TokensFile(file).add("mira") for _ in range(3)]

    assert len(set(tokens)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9._~+/-]+", token) for token in tokens)


def test_an_expired_token_does_not_count_but_is_listed(file: Path) -> None:
    tokens = TokensFile(file)
    old = tokens.add("mira", lifetime=timedelta(days=-1))
    good = tokens.add("mira", lifetime=timedelta(days=1))

    assert tokens.user_of(old) is None
    assert tokens.user_of(good) == "mira"
    assert len(tokens.tokens()) == 2


@pytest.mark.parametrize("wrong", ["", "x", "obsync_", "obsync__", "{}x", "x{}", "é", "\ud800"])
def test_what_is_nearly_a_token_is_none(file: Path, wrong: str) -> None:
    tokens = TokensFile(file)
    token = tokens.add("mira")

    assert tokens.user_of(wrong.format(token)) is None
    assert tokens.user_of(token.rpartition("_")[0]) is None


def test_a_token_that_is_not_there_cannot_be_removed(file: Path) -> None:
    with pytest.raises(ConfigError, match="no token with the id 'x'"):
        TokensFile(file).remove("x")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"tokens": []}', '{"tokens": {"a": {"user": "mira"}}}']
)
def test_a_file_that_is_none_of_tokens_is_refused(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(ConfigError, match="no file of tokens"):
        TokensFile(file).tokens()


def test_a_file_with_a_user_that_is_no_text_is_refused(file: Path) -> None:
    tokens = TokensFile(file)
    tokens.add("mira")
    content = json.loads(file.read_text())
    next(iter(content["tokens"].values()))["user"] = 7
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="no file of tokens"):
        TokensFile(file).tokens()


def test_a_token_counts_as_long_as_its_user_could_sign_in(file: Path) -> None:
    class Known(Passwords):
        def knows(self, user_id: str) -> bool:
            return user_id in self.hashes

    users = Known(mira="secret")
    tokens = TokensFile(file)
    bearer, token = BearerTokens(tokens, users), tokens.add("mira")

    assert bearer.user_of(token) == "mira"
    users.hashes.clear()
    assert bearer.user_of(token) is None


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Bearer", None),
        ("Basic abc", None),
        (None, None),
    ],
)
def test_the_token_of_a_header(header: str | None, token: str | None) -> None:
    assert parse_bearer(header) == token


def test_guesses_of_tokens_are_not_counted_for_users() -> None:
    assert counted_as("obsync_0123456789_abc") == "token:0123456789"
    assert counted_as("mira") == "token:"
