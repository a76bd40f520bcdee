"""The connector on bad days: openDCIM slow, broken, refusing or gone; the registry too."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from opendcim.connector import opendcim as api
from tests.opendcim.connectors import Asking, a_connector, write_elements
from tests.opendcim.invented_opendcim import (
    InventedOpenDcim,
    Trouble,
    a_device,
    always,
    denied_with_200,
    html_error,
    json_error,
    refuses,
    slowly,
)
from tests.support.processes.listening_programs import free_port
from tests.support.servers.certificates import certificate, server_context
from tests.support.servers.tls_site import https
from tests.support.servers.web_server import serving


@pytest.fixture
def opendcim(tmp_path: Path) -> InventedOpenDcim:
    write_elements(tmp_path, {f"1/{n}": f"enc-{n}" for n in range(1, 9)})
    return InventedOpenDcim(devices=[a_device(n, f"enc-{n}") for n in range(1, 9)])


@contextmanager
def asking(tmp_path: Path, opendcim: InventedOpenDcim, **keys: object) -> Iterator[Asking]:
    with serving(opendcim) as url, a_connector(tmp_path, url, **keys) as connector:
        yield connector


def failed(row: dict[str, Any]) -> tuple[str, str]:
    assert row["Status"] == "Failed", row
    assert row["Finished"]
    return row["Error"]["Code"], row["Error"]["Message"]


def truncated() -> Response:
    return Response('{"error":false,"errorcode":200,"device":[{"Devi', 200, media_type="x/json")


TROUBLES = {
    "denied with 200": (always(denied_with_200), "Refused", "check the connector's user"),
    "401": (always(json_error(401)), "Refused", "refused device (401)"),
    "401 html": (always(lambda: HTMLResponse("no", 401)), "Refused", "refused device (401)"),
    "sql error": (always(html_error), "BadAnswer", "it is no JSON (500, text/html"),
    "login page": (always(lambda: HTMLResponse("<form>")), "BadAnswer", "it is no JSON (200"),
    "to a login": (always(lambda: RedirectResponse("/login")), "Refused", "leads elsewhere"),
    "cut JSON": (always(truncated), "BadAnswer", "it is no JSON (200, x/json, 47 bytes)"),
    "empty": (always(lambda: Response(b"")), "BadAnswer", "without a type, 0 bytes"),
    "a list": (always(lambda: Response(b"[]")), "BadAnswer", "but no object"),
    "another member": (always(lambda: Response(b'{"x":1}')), "BadAnswer", "there is no device"),
    "true": (always(lambda: Response(b'{"device":true}')), "BadAnswer", "no list of records"),
    "an error in it": (
        always(lambda: Response(b'{"error":true,"errorcode":401,"message":"x"}')),
        "Refused",
        "refused device (401)",
    ),
    "503": (always(lambda: HTMLResponse("busy", 503)), "Unreachable", "503 to device, several"),
    "nested": (always(lambda: Response(b"[" * 100_000)), "BadAnswer", "it is no JSON"),
    "broken gzip": (
        always(lambda: Response(b"no gzip at all", headers={"Content-Encoding": "gzip"})),
        "BadAnswer",
        "content encoding",
    ),
    "zone only": (refuses(["zone"], html_error), "BadAnswer", "the answer to zone"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_is_no_answer_of_opendcim_fails_the_request(
    tmp_path: Path, opendcim: InventedOpenDcim, trouble: str
) -> None:
    opendcim.trouble, code, told = TROUBLES[trouble]
    with asking(tmp_path, opendcim) as connector:
        found = failed(connector.answer("1/1"))

    assert found[0] == code
    assert told in found[1]
    assert "sql-secret" not in found[1]


def test_403_to_a_device_is_the_denial_of_that_one(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.trouble = refuses(["device"], json_error(403))
    with asking(tmp_path, opendcim) as connector:
        row = connector.answer("1/1")

    assert (row["Status"], row["Elements"][0]["Result"]) == ("Completed", "AccessDenied")


def test_what_was_done_before_the_failure_is_kept(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    async def breaks_down(request: Request) -> Response | None:
        return html_error() if "enc-3" in request.url.query else None

    opendcim.trouble = breaks_down
    with asking(tmp_path, opendcim, opendcim_connector_connections=1) as connector:
        row = connector.answer(*[f"1/{n}" for n in range(1, 9)])

    assert failed(row)[0] == "BadAnswer"
    assert [e["ElementId"] for e in row["Elements"]] == [1, 2]
    assert not [call for call in opendcim.calls if "enc-4" in call]


def test_a_hiccup_is_bridged(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    calls: list[str] = []

    async def hiccup(request: Request) -> Response | None:
        calls.append(request.url.path)
        return HTMLResponse("gateway", 502) if len(calls) == 1 else None

    opendcim.trouble = hiccup
    with asking(tmp_path, opendcim) as connector:
        assert connector.answer("1/1")["Status"] == "Completed"


def test_a_slow_call_is_given_up(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    opendcim.trouble = slowly(60)
    with asking(tmp_path, opendcim, opendcim_connector_call_timeout="1 s") as connector:
        code, message = failed(connector.answer("1/1"))

    assert code == "TimedOut"
    assert "opendcim-connector-call-timeout" in message


def test_a_request_ends_when_its_own_time_is_over(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.trouble = slowly(0.4)
    with asking(tmp_path, opendcim, opendcim_connector_connections=1) as connector:
        row = connector.answer(*[f"1/{n}" for n in range(1, 9)], TimeoutSeconds=1)

    assert failed(row)[0] == "TimedOut"
    assert "the time of this request" in failed(row)[1]


def test_an_answer_that_drips_is_given_up(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    """Each byte comes in time, but the whole does not."""

    class Dripping(Response):
        async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(200):
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.1)

    opendcim.trouble = always(Dripping)
    with asking(tmp_path, opendcim, opendcim_connector_call_timeout="1 s") as connector:
        assert failed(connector.answer("1/1"))[0] == "TimedOut"


def test_an_answer_without_end_is_not_taken_into_memory(
    tmp_path: Path, opendcim: InventedOpenDcim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "LARGEST", 10_000)
    opendcim.trouble = always(lambda: Response(b" " * 20_000))
    with asking(tmp_path, opendcim) as connector:
        code, message = failed(connector.answer("1/1"))

    assert (code, "larger than 10,000 bytes" in message) == ("BadAnswer", True)


def test_an_opendcim_that_is_off_is_told(tmp_path: Path, opendcim: InventedOpenDcim) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with a_connector(tmp_path, f"http://127.0.0.1:{port}") as connector:
        code, message = failed(connector.answer("1/1"))
    assert opendcim.calls == []

    assert code == "Unreachable"
    assert "Connection refused" in message


def test_a_server_that_hangs_up_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            for _ in range(3):
                listener.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        port = listener.getsockname()[1]
        with a_connector(tmp_path, f"http://127.0.0.1:{port}") as connector:
            assert failed(connector.answer("1001/15"))[0] == "Unreachable"


def test_a_certificate_of_nobody_is_not_trusted(tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    with https(server_context(pem), b'{"device":[]}') as url:
        with a_connector(tmp_path / "a", url) as connector:
            untrusted = failed(connector.answer("1001/15"))
        bundle = {"opendcim_connector_ca_bundle": pem}
        with a_connector(tmp_path / "b", url, **bundle) as connector:
            trusted = connector.answer("1001/15")
        unverified = {"opendcim_connector_tls_verify": "false"}
        with a_connector(tmp_path / "c", url, **unverified) as connector:
            careless = connector.answer("1001/15")

    assert untrusted[0] == "Unreachable"
    assert "CERTIFICATE_VERIFY_FAILED" in untrusted[1]
    assert (trusted["Status"], careless["Status"]) == ("Completed", "Completed")


def test_the_proxy_of_the_system_is_used_unless_it_is_bypassed(
    tmp_path: Path, opendcim: InventedOpenDcim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The invented openDCIM plays the proxy too: it would answer whatever host is asked for."""
    with serving(opendcim) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("NO_PROXY", "")
        elsewhere = "http://dcim.invalid"
        write_elements(tmp_path, {"1/1": "enc-1"})
        with a_connector(tmp_path, elsewhere) as connector:
            by_proxy = connector.answer("1/1", request_id="a")
        bypassed = {"opendcim_connector_proxy": "bypassproxy"}
        with a_connector(tmp_path, elsewhere, **bypassed) as connector:
            direct = failed(connector.answer("1/1", request_id="b"))
        monkeypatch.delenv("HTTP_PROXY")
        with a_connector(tmp_path, elsewhere, opendcim_connector_proxy=url) as connector:
            named = connector.answer("1/1", request_id="c")

    assert (by_proxy["Status"], named["Status"]) == ("Completed", "Completed")
    assert direct[0] == "Unreachable"


@pytest.mark.parametrize("excepted", ["::1, 127.0.0.1", "127.0.0.0/8", "fd00::/8,*"])
def test_an_opendcim_that_no_proxy_names_is_asked_directly(
    tmp_path: Path, opendcim: InventedOpenDcim, monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", excepted)
    write_elements(tmp_path, {"1/1": "enc-1"})
    with serving(opendcim) as url, a_connector(tmp_path, url) as connector:
        assert connector.answer("1/1")["Status"] == "Completed"


@pytest.mark.parametrize("kind", ["gone", "broken", "address", "html", "404"])
def test_without_a_registry_nothing_is_guessed(
    tmp_path: Path, opendcim: InventedOpenDcim, kind: str
) -> None:
    answers: dict[str, Trouble] = {
        "html": always(html_error),
        "404": always(lambda: HTMLResponse("no", 404)),
    }
    registry = InventedOpenDcim(trouble=answers.get(kind))
    with serving(registry) as url:
        place = "http://127.0.0.1:1" if kind == "address" else url
        keys = {"opendcim_connector_elements": f"{place}/elements?key=registry-key"}
        with asking(tmp_path, opendcim, **({} if kind in {"gone", "broken"} else keys)) as asked:
            file = tmp_path / "elements.csv"
            if kind == "gone":
                file.unlink()
            elif kind == "broken":
                file.write_text("Element;Name\nnonsense\n")
            code, message = failed(asked.answer("1/1"))

    assert code == "RegistryUnavailable"
    assert "registry-key" not in message
    assert opendcim.calls == []


def test_a_registry_that_is_mended_is_used_again(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    file = tmp_path / "elements.csv"
    good = file.read_text()
    with asking(tmp_path, opendcim) as connector:
        file.write_text("Element;Name\n1/1\n")
        assert failed(connector.answer("1/1", request_id="a"))[0] == "RegistryUnavailable"
        file.write_text(good)
        assert connector.answer("1/1", request_id="b")["Status"] == "Completed"


def test_a_record_such_as_nobody_has_seen_harms_nothing(
    tmp_path: Path, opendcim: InventedOpenDcim
) -> None:
    opendcim.devices = [a_device(1, "enc-1", Cabinet="9" * 5_000, Owner=[1], Position={"a": 1})]
    with asking(tmp_path, opendcim) as connector:
        row = connector.answer("1/1")

    assert row["Elements"][0]["Location"]["Kind"] == "Unknown"
    assert row["Elements"][0]["Device"]["Position"] is None
