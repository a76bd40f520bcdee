"""A data source is talked to only if its certificate is vouched for, unless told otherwise."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest

from harvester.openbis.source.source import Source
from shared.errors import ConfigError, SourceError
from tests.support.servers.certificates import certificate, server_context
from tests.support.servers.encrypted_keys import encrypted
from tests.support.servers.scripted_source import scripted_source, section
from tests.support.servers.tls_site import BODY, https

pytestmark = pytest.mark.usefixtures("transport")

LOUD = "[DS1] tls-verify = false: whoever is on the way to the data source can read and change"


def fetch(url: str, folder: Path, **fields: object) -> bytes:
    with Source(section(url, retry_pauses=(), **fields)) as source:
        (file,) = source.fetch_list(folder)
        return file.read_bytes()


def fault_of(url: str, **fields: object) -> str:
    with pytest.raises(ConfigError) as caught:
        Source(section(url, **fields))
    return str(caught.value)


def asking_for_certificates(folder: Path, of: Path) -> ssl.SSLContext:
    """A server that lets in only whom a certificate vouches for."""
    context = server_context(certificate(folder))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(of)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with (
        https(server_context(certificate(tmp_path))) as url,
        pytest.raises(SourceError, match=r"certificate verify failed.*ca-bundle.*SSL_CERT_FILE"),
    ):
        fetch(url, tmp_path)


def test_a_certificate_that_nobody_vouches_for_is_not_tried_again(tmp_path: Path) -> None:
    waits: list[float] = []
    with (
        https(server_context(certificate(tmp_path))) as url,
        Source(section(url), sleep=waits.append) as source,
        pytest.raises(SourceError),
    ):
        source.fetch_list(tmp_path)
    assert waits == []


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    file = certificate(tmp_path)
    with (
        https(server_context(file)) as url,
        pytest.raises(SourceError, match="certificate verify failed"),
    ):
        fetch(url.replace("localhost", "127.0.0.2"), tmp_path, ca_bundle=file)


def test_a_certificate_authority_can_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with https(server_context(file)) as url:
        assert fetch(url, tmp_path) == BODY


def test_a_certificate_authority_can_be_named_by_its_key(tmp_path: Path) -> None:
    file = certificate(tmp_path)
    with https(server_context(file)) as url:
        assert fetch(url, tmp_path, ca_bundle=file) == BODY


def test_a_named_authority_is_the_only_one_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with https(server_context(file)) as url, pytest.raises(SourceError, match="verify failed"):
        fetch(url, tmp_path, ca_bundle=certificate(tmp_path, 1))


def test_certificates_of_the_environment_that_cannot_be_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    assert "named by SSL_CERT_FILE" in fault_of("https://localhost")


@pytest.mark.parametrize("content", [None, b"", b"\x30\x82binary", b"-----BEGIN CERTIFICATE-----"])
def test_a_bundle_without_certificates_is_told_with_section_key_and_file(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "bundle.pem"
    if content is not None:
        file.write_bytes(content)
    assert fault_of("https://localhost", ca_bundle=file).startswith(f"[DS1] ca-bundle: {file}: ")


# --- without verification


def test_verification_can_be_switched_off_and_every_run_is_loud_about_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("tests.section")
    with https(server_context(certificate(tmp_path))) as url:
        for _ in range(2):
            config = section(url.replace("localhost", "127.0.0.1"), tls_verify=False)
            with Source(config, log=log) as source:
                (file,) = source.fetch_list(tmp_path)
                assert file.read_bytes() == BODY
    told = [record.getMessage() for record in caplog.records if record.name == log.name]
    assert len(told) == 2
    assert all(text.startswith(LOUD) for text in told)
    assert capsys.readouterr().err.count(f"WARNING: {LOUD}") == 2


def test_with_verification_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    file = certificate(tmp_path)
    with https(server_context(file)) as url:
        fetch(url, tmp_path, ca_bundle=file)
    assert caplog.text == ""
    assert capsys.readouterr().err == ""


# --- a certificate of our own


def test_a_source_may_ask_for_a_certificate(tmp_path: Path) -> None:
    trusted, ours = certificate(tmp_path), certificate(tmp_path, 1)
    with https(asking_for_certificates(tmp_path, ours)) as url:
        fields = {"ca_bundle": trusted, "client_certificate": ours}
        assert fetch(url, tmp_path, **fields) == BODY


def test_the_key_may_lie_apart_and_be_encrypted(tmp_path: Path) -> None:
    trusted, ours = certificate(tmp_path), certificate(tmp_path, 1)
    key, alone = tmp_path / "key.pem", tmp_path / "alone.pem"
    text = ours.read_text()
    key.write_text(encrypted(text, "open sesame"))
    alone.write_text(text[text.index("-----BEGIN CERTIFICATE") :])
    fields = {
        "ca_bundle": trusted,
        "client_certificate": alone,
        "client_key": key,
        "client_key_password": "open sesame",
    }
    with https(asking_for_certificates(tmp_path, ours)) as url:
        assert fetch(url, tmp_path, **fields) == BODY


def test_without_the_certificate_that_a_source_wants_it_is_told(tmp_path: Path) -> None:
    trusted = certificate(tmp_path)
    with (
        https(asking_for_certificates(tmp_path, trusted)) as url,
        pytest.raises(SourceError) as caught,
    ):
        fetch(url, tmp_path, ca_bundle=trusted)
    assert "cannot be read" in str(caught.value)


def test_a_certificate_that_the_source_does_not_know_does_not_help(tmp_path: Path) -> None:
    trusted, stranger = certificate(tmp_path), certificate(tmp_path, 1)
    with (
        https(asking_for_certificates(tmp_path, trusted)) as url,
        pytest.raises(SourceError, match="cannot be read"),
    ):
        fetch(url, tmp_path, ca_bundle=trusted, client_certificate=stranger)


@pytest.mark.parametrize("key", ["client_certificate", "client_key"])
def test_a_file_that_is_not_there_is_told_with_its_key(tmp_path: Path, key: str) -> None:
    files = {"client_certificate": certificate(tmp_path), key: tmp_path / "nowhere.pem"}
    told = fault_of("https://localhost", **files)
    file = tmp_path / "nowhere.pem"
    assert told.startswith(f"[DS1] {key.replace('_', '-')}: {file}: cannot be read: No such file")


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    one, other = certificate(tmp_path), certificate(tmp_path, 1)
    told = fault_of("https://localhost", client_certificate=one, client_key=other)
    assert told == f"[DS1] client-key: {other}: is not the key of {one}"


@pytest.mark.parametrize("password", [None, "wrong", "x" * 2000])
def test_a_wrong_password_of_the_key_is_told_and_nobody_is_asked_for_it(
    tmp_path: Path, password: str | None
) -> None:
    file, key = certificate(tmp_path), tmp_path / "key.pem"
    key.write_text(encrypted(file.read_text(), "open sesame"))
    fields = {"client_certificate": file, "client_key": key, "client_key_password": password}
    told = fault_of("https://localhost", **fields)
    assert told == f"[DS1] client-key: {key}: the key is encrypted; check client-key-password"


def test_files_without_certificate_and_key_are_told(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("no PEM")
    told = fault_of("https://localhost", client_certificate=file)
    assert told.startswith(f"[DS1] client-certificate: {file}: this and the key in {file} cannot")


def test_a_redirect_from_tls_to_plain_http_is_refused(tmp_path: Path) -> None:
    """It would be another origin, and show the password to everybody on the way."""
    with scripted_source() as plain:
        body = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>{plain.url}/part</loc></sitemap></sitemapindex>'
        file = certificate(tmp_path)
        with (
            https(server_context(file), body.encode()) as url,
            pytest.raises(SourceError, match="another origin"),
        ):
            fetch(url, tmp_path, ca_bundle=file)
        assert plain.requests == []
