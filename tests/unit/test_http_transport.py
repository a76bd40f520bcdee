"""Which transport lies below httpx."""

from __future__ import annotations

import httpx
import pytest

from harvester.http.client import TRANSPORT, Sockets, open_client
from harvester.http.direct_transport import DirectTransport
from shared.errors import ConfigError
from shared.proxies import ProxiedTransport
from tests.support.servers.scripted_source import section
from tests.unit.test_docs import PROJECT


def transport_without_proxy() -> httpx.BaseTransport:
    with open_client(section("http://source.example"), Sockets()) as client:
        chosen = client._transport
        assert isinstance(chosen, ProxiedTransport)
        return chosen._direct


@pytest.mark.parametrize("chosen", [None, "", "direct", " direct "])
def test_sources_are_asked_by_the_harvester_s_own_transport(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None
) -> None:
    if chosen is None:
        monkeypatch.delenv(TRANSPORT, raising=False)
    else:
        monkeypatch.setenv(TRANSPORT, chosen)
    assert isinstance(transport_without_proxy(), DirectTransport)


def test_in_an_emergency_sources_are_asked_by_the_transport_of_httpx(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TRANSPORT, "httpx")
    assert isinstance(transport_without_proxy(), httpx.HTTPTransport)


def test_another_transport_is_a_fault_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TRANSPORT, "h11")
    with pytest.raises(ConfigError, match=f"{TRANSPORT}=h11: must be direct or httpx"):
        transport_without_proxy()


def test_the_operations_say_what_the_variable_does() -> None:
    assert f"| `{TRANSPORT}` |" in (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
