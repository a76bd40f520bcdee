"""What a client may do to the source server before it has signed in."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from source_server.web.heads import LONGEST_HEAD, MOST_HEADERS, ConnectionLimits, limited_protocol
from tests.support.instances.instance import PASSWORD, PROJECT, USER, Instance
from tests.support.servers.web_server import serving

LIST = "/datastore_server/re-sync/?verb=resourcelist.xml"
PATIENCE = 60


async def hello(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


@contextmanager
def limited(most: int = 100, most_of_address: int = 100, head_seconds: float = 30) -> Iterator[int]:
    """The port of a server with these limits."""
    limits = ConnectionLimits(most=most, most_of_address=most_of_address, head_seconds=head_seconds)
    with serving(hello, http=limited_protocol(limits)) as url:
        yield int(url.rpartition(":")[2])


def connected(port: int, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    client.sendall(sent)
    return client


def answer(client: socket.socket) -> bytes:
    """All that comes until the server closes; a reset counts as nothing."""
    found = b""
    try:
        while block := client.recv(65536):
            found += block
    except ConnectionError:
        pass
    finally:
        client.close()
    return found


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"])
def test_a_head_that_is_not_completed_in_time_ends_its_connection(sent: bytes) -> None:
    with limited(head_seconds=0.2) as port:
        assert answer(connected(port, sent)) == b""


def test_a_second_head_has_its_time_too_and_a_whole_one_is_answered() -> None:
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with limited(head_seconds=1) as port:
        found = answer(connected(port, whole + b"GET / HT"))
    assert found.count(b"200 OK") == 1


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * (2 * LONGEST_HEAD),
        b"GET / HTTP/1.1\r\nX-A: " + b"a" * (2 * LONGEST_HEAD),
        b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * LONGEST_HEAD + b"\r\nX-B: " + b"b" * LONGEST_HEAD,
        b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * (MOST_HEADERS + 1) + b"\r\n",
    ],
)
def test_a_head_that_is_too_large_is_refused(head: bytes) -> None:
    with limited() as port:
        client = connected(port)
        with suppress(ConnectionError):
            client.sendall(head)
        found = answer(client)
    assert b"200 OK" not in found
    assert found.startswith(b"HTTP/1.1 431 ") or found == b""


def test_a_head_of_usual_size_and_a_large_body_are_taken() -> None:
    with limited() as port:
        headers = {f"X-{n}": "v" * 200 for n in range(MOST_HEADERS - 10)}
        body = b"x" * (4 * LONGEST_HEAD)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            for _ in range(3):  # on one connection
                assert client.post("/", headers=headers, content=body).text == "hello"


@pytest.mark.parametrize("limits", [{"most": 3}, {"most_of_address": 3}])
def test_a_connection_too_many_is_closed_and_one_that_ends_makes_room(
    limits: dict[str, int],
) -> None:
    whole = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with limited(**limits) as port:
        held = [connected(port, b"GET / HT") for _ in range(3)]
        refused = connected(port)
        assert answer(refused) == b""
        held[0].sendall(b"TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"hello" in answer(held[0])
        assert b"hello" in answer(connected(port, whole))
        for client in held[1:]:
            client.close()


def test_wrong_passwords_are_answered_with_429_after_some(tmp_path: Path) -> None:
    instance = Instance.create(tmp_path / "source")
    instance.add_user()
    with instance.served() as url, httpx.Client(base_url=url, timeout=PATIENCE) as client:
        codes = [client.get(LIST, auth=(USER, f"wrong {n}")).status_code for n in range(11)]
        refused = client.get(LIST, auth=(USER, PASSWORD))
        unknown = [client.get(LIST, auth=(f"u{n}", "x")).status_code for n in range(20)]

    assert codes[:10] == [401] * 10
    assert codes[10] == refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert "too many wrong passwords" in refused.text
    assert 429 in unknown
    instance.engine.dispose()


_GUESSING = """
import threading
from pathlib import Path
from shared.passwords import hash_password, verify_password
stored = hash_password("x")
def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before = peak()
threads = [threading.Thread(target=verify_password, args=(stored, "y")) for _ in range(40)]
[each.start() for each in threads]
[each.join() for each in threads]
print("grown by", peak() - before)
"""


def test_logins_side_by_side_take_the_memory_of_two() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _GUESSING], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    found = re.search(r"grown by (\d+)", done.stdout)
    assert found is not None
    assert int(found[1]) < 80_000  # kibibytes; forty at once take 760,000
