"""Who may come in: Basic authentication, roles, and what is told to those who may not."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest

from shared.passwords import hash_password
from source_server.users.sign_in import DirectoryAuthenticator, challenge, parse_basic
from tests.support.servers.source_site import DATA_SET, PASSWORD, Passwords, a_site

RE_SYNC = "/datastore_server/re-sync"
ALL_PATHS = (
    RE_SYNC,
    f"{RE_SYNC}/?verb=resourcelist.xml",
    f"/datastore_server/{DATA_SET}/original/hello.txt",
    "/datastore_server/attachments/SAMPLE/1/a?version=1",
    "/datastore_server/file-service/a",
)


@pytest.fixture(scope="module")
def site() -> Iterator[httpx.Client]:
    with a_site() as client:
        yield client


def basic(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


def signed_out(site: httpx.Client, path: str, header: str | None) -> httpx.Response:
    request = site.build_request("GET", path)
    if header is not None:
        request.headers["Authorization"] = header
    return site.send(request, auth=None)


@pytest.mark.parametrize("path", ALL_PATHS)
def test_nothing_is_shown_without_authentication(site: httpx.Client, path: str) -> None:
    answer = signed_out(site, path, None)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="OAI-PMH", charset="UTF-8"'
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!!",
        "Basic bWlyYQ",
        basic(b"mira"),
        basic(b":secret"),
        basic(b"mi\x00ra:secret"),
        basic(b"mira:"),
        basic(b"mira:wrong"),
        basic(b"nobody else:wrong"),
        "Bearer abc",
        f"Digest {base64.b64encode(b'mira:x').decode()}",
    ],
)
def test_a_wrong_or_malformed_header_is_answered_with_401(site: httpx.Client, header: str) -> None:
    answer = signed_out(site, RE_SYNC, header)

    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "Basic  "])
def test_the_scheme_may_be_written_in_any_case(site: httpx.Client, scheme: str) -> None:
    token = base64.b64encode(f"mira:{PASSWORD}".encode()).decode()
    assert signed_out(site, RE_SYNC, f"{scheme} {token}").status_code == 200


@pytest.mark.parametrize("password", ["a:b:c", ":", "pässwörd", "密码", "with blank ", "x" * 500])
def test_a_password_may_hold_colons_and_any_character(password: str) -> None:
    with a_site(passwords=Passwords(mira=password)) as client:
        good = basic(f"mira:{password}".encode())
        assert signed_out(client, RE_SYNC, good).status_code == 200
        assert signed_out(client, RE_SYNC, basic(b"mira:a")).status_code == 401


def test_a_password_may_be_sent_as_latin_1() -> None:
    with a_site(passwords=Passwords(mira="pässwörd")) as client:
        header = basic("mira:pässwörd".encode("latin-1"))
        assert signed_out(client, RE_SYNC, header).status_code == 200


@pytest.mark.parametrize("path", ALL_PATHS)
def test_a_user_without_role_is_told_so(site: httpx.Client, path: str) -> None:
    answer = site.get(path, auth=("nobody", PASSWORD))

    assert answer.status_code == 403
    assert "'nobody' has no role" in answer.text


def test_the_realm_is_the_configured_one() -> None:
    with a_site(auth_realm='Lab "1"') as client:
        answer = signed_out(client, RE_SYNC, None)
    assert answer.headers["WWW-Authenticate"] == r'Basic realm="Lab \"1\"", charset="UTF-8"'


def test_a_password_that_is_changed_counts_at_once() -> None:
    passwords = Passwords(mira=PASSWORD)
    with a_site(passwords=passwords) as client:
        before = client.get(RE_SYNC).status_code
        passwords.hashes["mira"] = hash_password("another")
        after = client.get(RE_SYNC).status_code
        changed = client.get(RE_SYNC, auth=("mira", "another")).status_code
        passwords.hashes.clear()
        gone = client.get(RE_SYNC, auth=("mira", "another")).status_code

    assert [before, after, changed, gone] == [200, 401, 200, 401]


class Counting(Passwords):
    """Counts how often a password is verified."""

    verified = 0

    def verify(self, stored: str, password: str) -> bool:
        self.verified += 1
        return super().verify(stored, password)


def test_a_right_password_is_verified_once_and_a_wrong_one_each_time() -> None:
    directory = Counting(mira="right")
    authenticator = DirectoryAuthenticator([directory])

    assert [authenticator.accepts("mira", "right") for _ in range(5)] == [True] * 5
    assert directory.verified == 1
    assert not any(authenticator.accepts("mira", "wrong") for _ in range(3))
    assert directory.verified == 4


def test_a_right_password_is_verified_again_after_a_while() -> None:
    directory = Counting(mira="right")
    authenticator = DirectoryAuthenticator([directory], remember=0.0)

    assert authenticator.accepts("mira", "right")
    assert authenticator.accepts("mira", "right")
    assert directory.verified == 2


def test_the_first_directory_that_knows_the_user_decides() -> None:
    authenticator = DirectoryAuthenticator([Passwords(mira="one"), Passwords(mira="two", ada="x")])

    assert authenticator.accepts("mira", "one")
    assert not authenticator.accepts("mira", "two")
    assert authenticator.accepts("ada", "x")
    assert not authenticator.accepts("otto", "one")


def test_what_is_remembered_for_one_user_does_not_let_another_in() -> None:
    authenticator = DirectoryAuthenticator([Passwords(a="bc", ab="c2")])

    assert authenticator.accepts("a", "bc")
    assert not authenticator.accepts("ab", "c")


def test_credentials_are_split_at_the_first_colon() -> None:
    assert parse_basic(basic(b"mira:a:b")) == ("mira", "a:b")
    assert parse_basic(basic(b"mira:")) == ("mira", "")
    assert parse_basic(None) is None


def test_a_challenge_says_that_credentials_are_utf_8() -> None:
    assert challenge("OAI-PMH") == 'Basic realm="OAI-PMH", charset="UTF-8"'
