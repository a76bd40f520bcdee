"""Our own transport below httpx, and httpx's own: what servers may send, byte by byte, and what
becomes of the connection afterwards."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from harvester.http.direct_transport import DirectTransport

PATIENCE = 10.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ncake"


@dataclass(slots=True, kw_only=True)
class Server:
    """Says one thing after each request; a connection ends with the things that it was given."""

    url: str
    connections: Sequence[Sequence[bytes]]
    requests: list[bytes] = field(default_factory=list)
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def serve(self, listener: socket.socket) -> None:
        for answers in self.connections:
            line, _ = listener.accept()
            line.settimeout(PATIENCE)
            with line:
                for answer in answers:
                    self.requests.append(_request(line))
                    line.sendall(answer)
            self.closed.release()


def _request(line: socket.socket) -> bytes:
    data = b""
    end = b"\r\n\r\n"
    while not data.endswith(end) and (more := line.recv(4096)):
        data += more
        if b"\r\nContent-Length: 5\r\n" in data:
            end = b"flour"
        elif b"\r\nTransfer-Encoding: chunked\r\n" in data:
            end = b"\r\n0\r\n\r\n"
    return data


@contextmanager
def serving(*connections: Sequence[bytes]) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = Server(url=url, connections=connections)
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield server
        thread.join(PATIENCE)


@pytest.fixture
def sockets() -> list[socket.socket]:
    return []


@pytest.fixture
def client(transport: str, sockets: list[socket.socket]) -> Iterator[httpx.Client]:
    def trace(event: str, found: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            sockets.append(found["return_value"].get_extra_info("socket"))

    def watch(request: httpx.Request) -> None:
        request.extensions["trace"] = trace

    with httpx.Client(
        transport=DirectTransport(ssl.create_default_context(), 2, sockets.append)
        if transport == "direct"
        else httpx.HTTPTransport(limits=httpx.Limits(max_connections=2)),
        timeout=PATIENCE,
        event_hooks={"request": [watch]},
    ) as client:
        yield client


def test_a_connection_is_used_again(client: httpx.Client, sockets: list[socket.socket]) -> None:
    with serving([OK, OK, OK]) as server:
        assert [client.get(server.url).content for _ in range(3)] == [b"cake"] * 3
    assert len(sockets) == 1


def test_a_request_is_sent_as_it_should_be(client: httpx.Client) -> None:
    with serving([OK, OK]) as server:
        client.get(f"{server.url}/a b?c=d", headers={"If-Range": '"x"'})
        client.post(server.url, content=b"flour")
        host = server.url.removeprefix("http://").encode()
    get, post = server.requests
    assert get.startswith(b"GET /a%20b?c=d HTTP/1.1\r\nHost: " + host + b"\r\n")
    assert b'\r\nIf-Range: "x"\r\n' in get
    assert b"\r\nContent-Length: 5\r\n" in post
    assert post.endswith(b"\r\n\r\nflour")


def test_a_body_of_unknown_length_is_sent_in_chunks(client: httpx.Client) -> None:
    with serving([OK]) as server:
        client.post(server.url, content=iter([b"flour", b"", b"eggs"]))
    assert server.requests[0].endswith(b"\r\n\r\n5\r\nflour\r\n4\r\neggs\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nca\r\n2\r\nke\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK,
        b"HTTP/1.1 200 \r\ncontent-length:4\r\n\r\ncake",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ncake\r\n0\r\nLink: x\r\n\r\n",
    ],
)
def test_answers_have_many_forms_after_which_the_connection_lives(
    client: httpx.Client, answer: bytes
) -> None:
    with serving([answer, OK]) as server:
        found = client.get(server.url)
        assert (found.status_code, found.content) == (200, b"cake")
        assert "link" not in found.headers
        assert client.get(server.url).content == b"cake"


def test_an_answer_may_have_no_body(client: httpx.Client) -> None:
    with serving([b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", OK]) as server:
        assert client.get(server.url).status_code == 304
        assert client.get(server.url).content == b"cake"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\ncake",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ncake",
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    ],
)
def test_after_some_answers_a_connection_is_not_used_again(
    client: httpx.Client, sockets: list[socket.socket], answer: bytes
) -> None:
    with serving([answer], [OK]) as server:
        assert client.get(server.url).content == b"cake"
        assert client.get(server.url).content == b"cake"
    assert len(sockets) == 2


def test_a_connection_that_the_server_has_closed_is_not_used(
    client: httpx.Client, sockets: list[socket.socket]
) -> None:
    with serving([OK], [OK]) as server:
        assert client.get(server.url).content == b"cake"
        assert server.closed.acquire(timeout=PATIENCE)
        assert client.get(server.url).content == b"cake"
    assert len(sockets) == 2


def test_a_connection_whose_answer_was_not_read_is_closed(
    client: httpx.Client, sockets: list[socket.socket]
) -> None:
    with serving([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ncake"], [OK]) as server:
        with client.stream("GET", server.url) as answer:
            assert answer.status_code == 200
        assert client.get(server.url).content == b"cake"
    assert sockets[0].fileno() < 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "Server disconnected without sending a response"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "Server disconnected without sending a response"),
        (OK[:-1], "closed before the answer's end"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nca",
            "closed before the answer's end",
        ),
        (b"220 mail.example ESMTP\r\n", "no answer of HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no answer of HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "no answer of HTTP|without"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000, "has no end"),
    ],
)
def test_what_is_no_whole_answer_is_an_error(
    client: httpx.Client, transport: str, answer: bytes, reason: str
) -> None:
    """httpx's transport has other words for it."""
    with serving([answer], [OK]) as server:
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            client.get(server.url)
        assert transport == "httpx" or re.search(reason, str(caught.value))
        assert client.get(server.url).content == b"cake"


def test_a_silent_server_is_not_waited_for_for_ever(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(httpx.ReadTimeout, match="timed out"):
            client.get(url, timeout=0.1)


@pytest.mark.parametrize("transport", ["direct"], indirect=True)  # httpx's is httpx's to test
def test_no_more_connections_are_in_use_than_allowed(
    client: httpx.Client, sockets: list[socket.socket]
) -> None:
    with serving([OK], [OK, OK]) as server:
        with client.stream("GET", server.url), client.stream("GET", server.url):
            waiting = threading.Thread(target=client.get, args=(server.url,))
            waiting.start()
            waiting.join(0.2)
            assert waiting.is_alive()
            assert len(sockets) == 2
        waiting.join(PATIENCE)
        assert not waiting.is_alive()
        for one in sockets:
            one.close()


def test_a_server_that_is_not_there_is_an_error_that_says_so(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(httpx.ConnectError, match="refused"):
        client.get(url)
