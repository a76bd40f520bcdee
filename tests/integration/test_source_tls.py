"""A data source is talked to only if its certificate is vouched for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harvester.source import Source
from shared.errors import SourceError
from tests.certificates import certificate, server_context
from tests.scripted_source import section

BODY = b"<urlset/>"


def fetch(url: str, folder: Path) -> bytes:
    with Source(section(url), pauses=()) as source:
        (file,) = source.fetch_list(folder)
        return file.read_bytes()


@contextmanager
def https(file: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(BODY)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("", 0), Handler) as server:
        server.socket = server_context(file).wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with (
        https(certificate(tmp_path)) as url,
        pytest.raises(SourceError, match=r"certificate verify failed.*SSL_CERT_FILE"),
    ):
        fetch(url, tmp_path)


def test_a_certificate_for_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with https(file) as url, pytest.raises(SourceError, match="certificate verify failed"):
        fetch(url.replace("localhost", "127.0.0.2"), tmp_path)


def test_a_certificate_authority_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with https(file) as url:
        assert fetch(url, tmp_path) == BODY


def test_certificates_that_cannot_be_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(SourceError, match="named by SSL_CERT_FILE"):
        fetch("https://localhost", tmp_path)
