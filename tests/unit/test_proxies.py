"""Which addresses are asked through a proxy of the environment."""

from __future__ import annotations

import pytest

from shared.errors import ConfigError
from shared.masking import masked
from shared.proxies import Proxies, shown_proxy

PROXY = "http://proxy.example:3128"


def asked_through(monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str) -> bool:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", PROXY)
    monkeypatch.setenv("no_proxy", no_proxy)
    return Proxies.of().proxy_for(url) == PROXY


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("*", "https://anything.example/"),
        ("lab.example", "https://lab.example/"),
        ("lab.example", "https://openbis.lab.example:8443/"),
        (".lab.example", "https://openbis.lab.example/"),
        ("*.lab.example", "https://openbis.lab.example/"),
        ("LAB.example.", "https://Lab.Example/"),
        ("lab.example:8443", "https://lab.example:8443/"),
        ("lab.example:443", "https://lab.example/"),
        ("https://lab.example", "https://lab.example/"),
        ("a.example, ,b.example c.example", "https://c.example/"),
        ("192.0.2.7", "http://192.0.2.7:8080/"),
        ("192.0.2.0/24", "http://192.0.2.77/"),
        ("10.0.0.0/8", "https://10.1.2.3:8443/"),
        ("::1", "http://[::1]:8080/"),
        ("[::1]", "http://[::1]/"),
        ("[::1]:8080", "http://[::1]:8080/"),
        ("fd00::/8", "https://[fd12:3456::7]/"),
        ("[fd00::]/8", "https://[fd12::7]/"),
        ("2001:DB8::1", "https://[2001:db8:0::1]/"),
        ("192.0.2.0/24", "https://[::ffff:192.0.2.7]/"),
    ],
)
def test_what_no_proxy_names_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch, entry: str, url: str
) -> None:
    assert not asked_through(monkeypatch, entry, url)
    assert not asked_through(monkeypatch, f"other.example,{entry}", url)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("", "https://lab.example/"),
        ("lab.example", "https://notlab.example/"),
        ("lab.example:8443", "https://lab.example/"),
        ("http://lab.example", "https://lab.example/"),
        ("192.0.2.0/24", "http://192.0.3.1/"),
        ("192.0.2.0/24", "http://lab.example/"),
        ("::1", "http://[::2]/"),
        ("[::1]:8080", "http://[::1]/"),
        ("fd00::/8", "http://192.0.2.1/"),
    ],
)
def test_all_else_goes_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, entry: str, url: str
) -> None:
    assert asked_through(monkeypatch, entry, url)


def test_a_scheme_has_its_own_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "secure.example:1")
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("all_proxy", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    proxies = Proxies.of()
    assert proxies.proxy_for("https://lab.example/") == "http://secure.example:1"
    assert proxies.proxy_for("http://lab.example/") is None


def test_a_key_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    assert Proxies.of(PROXY).proxy_for("https://lab.example/") == PROXY


def test_an_entry_that_means_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "a:b:c")
    with pytest.raises(ConfigError, match="environment variable NO_PROXY: 'a:b:c' is neither"):
        Proxies.of()


def test_the_login_of_a_proxy_is_no_part_of_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://joe:Tulip%40field-77@proxy.example:1")
    Proxies.of()
    assert masked("Tulip%40field-77 Tulip@field-77") == "*** ***"
    assert shown_proxy("http://joe:pw@proxy.example:1") == "http://proxy.example:1"
