"""Bearer tokens beside Basic authentication: on all routes, with the rights of their user."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from source_server.users.tokens_file import TokensFile, id_of
from tests.integration.test_source_server_auth import ALL_PATHS, RE_SYNC
from tests.integration.test_source_server_commands import Shell
from tests.support.servers.source_site import DATA_SET, PASSWORD, Passwords, a_site

WRONG = "obsync_0123456789_wrong"


@dataclass(frozen=True)
class Site:
    client: httpx.Client
    tokens: TokensFile
    passwords: Passwords

    def get(self, path: str, token: str) -> httpx.Response:
        request = self.client.build_request("GET", path)
        request.headers["Authorization"] = f"Bearer {token}"
        return self.client.send(request, auth=None)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    file = tmp_path / "tokens.json"
    passwords = Passwords(mira=PASSWORD, otto=PASSWORD, nobody=PASSWORD)
    with a_site(passwords=passwords, tokens_file=file, max_guesses=2) as client:
        yield Site(client, TokensFile(file), passwords)


@pytest.mark.parametrize("path", ALL_PATHS)
def test_a_token_opens_what_the_password_of_its_user_opens(site: Site, path: str) -> None:
    with_password = site.client.get(path)
    with_token = site.get(path, site.tokens.add("mira"))

    assert with_token.status_code == with_password.status_code
    assert with_token.content == with_password.content


def test_a_token_has_the_rights_of_its_user_alone(site: Site) -> None:
    path = f"/datastore_server/{DATA_SET}/original/hello.txt"

    assert site.get(path, site.tokens.add("mira")).content == b"0123456789"
    assert site.get(path, site.tokens.add("otto")).status_code == 404


def test_the_token_of_a_user_without_role_is_answered_with_403(site: Site) -> None:
    answer = site.get(RE_SYNC, site.tokens.add("nobody"))

    assert answer.status_code == 403
    assert "'nobody' has no role" in answer.text


def test_the_token_of_a_removed_user_counts_no_more_at_once(site: Site) -> None:
    token = site.tokens.add("mira")
    before = site.get(RE_SYNC, token).status_code
    del site.passwords.hashes["mira"]

    assert (before, site.get(RE_SYNC, token).status_code) == (200, 401)


def test_a_removed_token_counts_no_more_at_once(site: Site) -> None:
    token = site.tokens.add("mira")
    before = site.get(RE_SYNC, token).status_code
    site.tokens.remove(id_of(token))

    assert (before, site.get(RE_SYNC, token).status_code) == (200, 401)


def test_a_wrong_token_is_answered_with_both_ways_to_sign_in(site: Site) -> None:
    answer = site.get(RE_SYNC, WRONG)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        'Basic realm="OAI-PMH", charset="UTF-8", Bearer realm="OAI-PMH", error="invalid_token"'
    )


def test_wrong_tokens_are_throttled_as_wrong_passwords_are_and_right_ones_are_not(
    site: Site,
) -> None:
    good = site.tokens.add("mira")
    answers = [site.get(RE_SYNC, WRONG) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert site.get(RE_SYNC, good).status_code == 200
    assert site.client.get(RE_SYNC).status_code == 200


def test_no_token_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    token = site.tokens.add("mira")
    with caplog.at_level(logging.DEBUG):
        site.get(RE_SYNC, token)
        site.get(RE_SYNC, WRONG)

    lines = [r.getMessage() for r in caplog.records if r.name == "source_server.access"]
    assert any("user=mira" in line and "status=200" in line for line in lines)
    assert any("status=401" in line for line in lines)
    assert token.rsplit("_", 1)[1] not in caplog.text
    assert WRONG not in caplog.text


def test_the_commands_make_list_and_remove_tokens(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(folder=tmp_path, capture=capfdbinary, patch=monkeypatch)
    shell.settings("")
    shell.succeed("demo")
    shell.succeed("user", "add", "mira", "--password-stdin", stdin="secret\n")
    token = shell.succeed("user", "token", "add", "mira", "--days", "7", "--note", "a mirror")
    file = tmp_path / "data" / "tokens.json"

    assert TokensFile(file).user_of(token.strip()) == "mira"
    listed = shell.succeed("user", "token", "list")
    assert listed.split("\t")[:2] == [id_of(token), "mira"]
    assert "counts until 20" in listed
    assert "a mirror" in listed
    assert shell.succeed("user", "token", "list", "otto") == ""
    shell.succeed("user", "token", "remove", id_of(token))
    assert TokensFile(file).user_of(token.strip()) is None


def test_a_token_is_not_made_for_a_user_who_cannot_sign_in(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(folder=tmp_path, capture=capfdbinary, patch=monkeypatch)
    shell.settings("")
    shell.succeed("demo")

    assert "user 'mira' cannot sign in" in shell.fail(2, "user", "token", "add", "mira")
    assert "--days 0" in shell.fail(2, "user", "token", "add", "mira", "--days", "0")
    assert "no token with the id 'x'" in shell.fail(2, "user", "token", "remove", "x")


def test_users_of_a_file_have_tokens_too(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(folder=tmp_path, capture=capfdbinary, patch=monkeypatch)
    shell.settings(
        "catalogue = none\nusers-file = users.json\ntokens-file = t.json\n"
        "opendcim-repository = true\n"
    )
    shell.succeed("user", "add", "mira", "--password-stdin", stdin="secret\n")

    token = shell.succeed("user", "token", "add", "mira")
    assert TokensFile(tmp_path / "t.json").user_of(token.strip()) == "mira"
    assert "counts until it is removed" in shell.succeed("user", "token", "list", "mira")
