"""A data source behind a proxy, which sees no credentials that are not meant for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harvester.openbis.source.source import Source
from shared.errors import ConfigError, SourceError
from tests.support.servers.certificates import certificate, server_context
from tests.support.servers.scripted_source import Answer, ScriptedSource, scripted_source, section
from tests.support.servers.tls_site import BODY, Proxy, a_proxy, https

pytestmark = pytest.mark.usefixtures("transport")

RE_SYNC = "/datastore_server/re-sync"


@pytest.fixture
def plain() -> Iterator[ScriptedSource]:
    with scripted_source() as source:
        source.answer(RE_SYNC, Answer(body=BODY))
        yield source


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with a_proxy() as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def fetch(url: str, folder: Path, **fields: object) -> bytes:
    with Source(section(url, retry_pauses=(), **fields)) as source:
        (file,) = source.fetch_list(folder)
        return file.read_bytes()


def test_a_proxy_of_the_section_opens_a_tunnel_and_sees_no_credentials(
    tmp_path: Path, proxy: Proxy
) -> None:
    file = certificate(tmp_path)
    with https(server_context(file)) as url:
        assert fetch(url, tmp_path, ca_bundle=file, proxy=proxy.url) == BODY
        (asked,) = proxy.asked
        assert (asked.method, asked.target) == ("CONNECT", url.removeprefix("https://"))
    assert not {"authorization", "proxy-authorization", "cookie"} & asked.headers.keys()


def test_a_plain_source_is_asked_through_the_proxy(
    tmp_path: Path, proxy: Proxy, plain: ScriptedSource
) -> None:
    assert fetch(plain.url, tmp_path, proxy=proxy.url) == BODY
    (asked,) = proxy.asked
    assert asked.target.startswith(f"{plain.url}{RE_SYNC}?verb=")
    assert "proxy-authorization" not in asked.headers
    assert len(plain.requests) == 1


def test_a_proxy_may_speak_tls_whose_certificate_is_verified(
    tmp_path: Path, plain: ScriptedSource
) -> None:
    file = certificate(tmp_path)
    with a_proxy(server_context(file)) as proxy:
        assert fetch(plain.url, tmp_path, proxy=proxy.url, ca_bundle=file) == BODY
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(plain.url, tmp_path, proxy=proxy.url, ca_bundle=certificate(tmp_path, 1))
    assert len(plain.requests) == 1


def test_a_tunnel_through_a_proxy_that_speaks_tls_works(tmp_path: Path) -> None:
    file = certificate(tmp_path)
    with a_proxy(server_context(file)) as proxy, https(server_context(file)) as url:
        assert fetch(url, tmp_path, proxy=proxy.url, ca_bundle=file) == BODY
    assert [asked.method for asked in proxy.asked] == ["CONNECT"]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used_and_may_have_a_login(
    tmp_path: Path,
    proxy: Proxy,
    plain: ScriptedSource,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv(name.lower(), proxy.url.replace("://", "://joe:secret@"))
    assert fetch(plain.url, tmp_path) == BODY
    assert proxy.asked[0].headers["proxy-authorization"].startswith("Basic ")
    assert "proxy-authorization" not in plain.requests[0].headers


@pytest.mark.parametrize("excepted", ["127.0.0.1", "127.0.0.0/8", "::1, fd00::/8, 127.0.0.1", "*"])
def test_hosts_can_be_excepted_from_a_proxy_of_the_environment(
    tmp_path: Path,
    proxy: Proxy,
    plain: ScriptedSource,
    monkeypatch: pytest.MonkeyPatch,
    excepted: str,
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", excepted)
    assert fetch(plain.url, tmp_path) == BODY
    assert proxy.asked == []


def test_the_key_wins_over_the_environment(
    tmp_path: Path, proxy: Proxy, plain: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert fetch(plain.url, tmp_path, proxy=proxy.url) == BODY
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "ftp"])
def test_a_proxy_of_the_environment_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("https_proxy", f"{scheme}://joe:secret@host:1")
    with pytest.raises(ConfigError, match=r"^a proxy of the environment") as caught:
        Source(section("https://localhost"))
    assert "secret" not in str(caught.value)


def test_a_proxy_that_is_not_there_is_told(tmp_path: Path, plain: ScriptedSource) -> None:
    with a_proxy() as gone:
        url = gone.url
    with pytest.raises(SourceError, match=f"cannot be read.*through the proxy {url}"):
        fetch(plain.url, tmp_path, proxy=url)
    assert plain.requests == []


def test_a_proxy_that_refuses_is_told(tmp_path: Path) -> None:
    with (
        a_proxy(refuses=True) as proxy,
        pytest.raises(SourceError, match="407 Proxy Authentication Required"),
    ):
        fetch("https://localhost", tmp_path, proxy=proxy.url)
