"""The web hook, at a real web server."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from harvester.notices.webhook import post
from tests.support.processes.listening_programs import free_port
from tests.support.servers.certificates import certificate
from tests.support.servers.mail_server import endless
from tests.support.servers.web_hook import encrypted_web_hook, web_hook

FORM = {"version": 1, "message": "\u00e4 \U0001f9c0"}
HASTY = (0.0, 0.0)


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def assert_nothing_secret(caplog: pytest.LogCaptureFixture) -> None:
    """But for the log of the test's own web server."""
    ours = (record for record in caplog.records if not record.name.startswith("uvicorn"))
    text = "\n".join(record.getMessage() for record in ours)
    for secret in ("token-of-ours", "hidden", "hooks/", "key="):
        assert secret not in text


def test_a_form_arrives_as_json_and_the_url_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with web_hook() as hook:
        assert post(hook.url, FORM)
    assert hook.forms == [FORM]
    assert hook.paths == ["POST /hooks/token-of-ours?key=hidden"]
    assert hook.headers["content-type"] == "application/json"
    assert hook.headers["user-agent"] == "openbis-sync"
    assert_nothing_secret(caplog)


@pytest.mark.parametrize("answers", [[503], [500, 429]])
def test_what_may_pass_is_tried_again(answers: list[int]) -> None:
    with web_hook() as hook:
        hook.answers = list(answers)
        assert post(hook.url, FORM, pauses=HASTY)
    assert hook.forms == [FORM] * (len(answers) + 1)


def test_after_the_third_try_it_is_logged_and_given_up(caplog: pytest.LogCaptureFixture) -> None:
    with web_hook() as hook:
        hook.answers = [500] * 5
        assert not post(hook.url, FORM, pauses=HASTY)
    assert len(hook.forms) == 3
    assert (
        f"{hook.url.split('/hooks')[0]} did not get the notice: it answers with status 500"
        in caplog.text
    )
    assert_nothing_secret(caplog)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410])
def test_what_would_not_help_is_not_tried_again_and_no_redirect_is_followed(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with web_hook() as hook:
        hook.answers = [status]
        assert not post(hook.url, FORM, pauses=HASTY)
    assert len(hook.forms) == 1
    assert f"it answers with status {status}" in caplog.text
    assert_nothing_secret(caplog)


def test_nobody_there_is_logged_with_the_host_only(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/hooks/token-of-ours?key=hidden"
    assert not post(url, FORM, pauses=HASTY)
    assert f"The web hook http://127.0.0.1:{port} did not get the notice: " in caplog.text
    assert_nothing_secret(caplog)


ENDLESS = {
    "it never says a word": (b"", b""),
    "its headers drip and have no end": (b"HTTP/1.1 200 OK\r\n", b"x"),
}


@pytest.mark.parametrize("how", ENDLESS)
def test_a_server_that_never_ends_is_given_up(how: str, caplog: pytest.LogCaptureFixture) -> None:
    with endless(*ENDLESS[how]) as port:
        url = f"http://127.0.0.1:{port}/hooks/token-of-ours?key=hidden"
        assert not post(url, FORM, patience=0.5, pauses=())
    assert "took longer than 0.5 seconds" in caplog.text
    assert_nothing_secret(caplog)


def test_an_answer_without_an_end_is_not_read() -> None:
    first = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n"
    with endless(first, b"x" * 1000) as port:
        assert post(f"http://127.0.0.1:{port}/", FORM)


def test_a_hook_that_nobody_vouches_for_is_told_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path)
    with encrypted_web_hook(file) as url:
        assert not post(url, FORM, pauses=())
        assert "certificate verify failed" in caplog.text
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert post(url, FORM, pauses=())
    assert_nothing_secret(caplog)


def test_a_url_that_is_none_is_logged_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert not post("http://[::1/token-of-ours", FORM, pauses=())
    assert not post(f"http://{'x' * 70000}/token-of-ours", FORM, pauses=())
    assert caplog.text.count("cannot be used: InvalidURL") == 2
    assert_nothing_secret(caplog)


@pytest.mark.parametrize(("excepted", "direct"), [("127.0.0.0/8,::1", True), ("::1", False)])
def test_the_proxy_of_the_environment_is_used_but_for_what_no_proxy_names(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, excepted: str, direct: object
) -> None:
    gone = f"http://joe:hidden@127.0.0.1:{free_port()}"
    monkeypatch.setenv("http_proxy", gone)
    monkeypatch.setenv("no_proxy", excepted)
    with web_hook() as hook:
        assert post(hook.url, FORM, pauses=HASTY) == direct
    assert (hook.forms == [FORM]) == direct
    assert ("through the proxy http://127.0.0.1:" in caplog.text) != direct
    assert_nothing_secret(caplog)
