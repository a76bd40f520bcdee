"""Mails to operators, sent to a real mail server."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from harvester.mail import SUBJECT, SUBJECT_OF_DRY_RUN, send_failure_mail
from harvester.properties import HarvesterSettings
from tests.certificates import certificate
from tests.harvester_files import settings_in
from tests.mail_server import encrypting, mail_server

BODY = "Section DS1 failed: \u00e4 list was cut."
LOG = "2024-03-05 09:14:07,123 ERROR \u00e4\n"


def mailing(folder: Path, port: int, *lines: str) -> HarvesterSettings:
    text = "\n".join(
        [
            "harvester-config-file = h.txt",
            "mail.smtp.host = localhost",
            f"mail.smtp.port = {port}",
            "mail.from = harvester@example.org",
            *lines,
        ]
    )
    return settings_in(folder, text)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "synchronization_DS1.log.2024-03-05_09-14-07"
    file.write_text(LOG)
    return file


def test_each_address_gets_a_mail_of_its_own_with_the_log(tmp_path: Path, log: Path) -> None:
    with mail_server() as (mailbox, port):
        settings = mailing(tmp_path, port)
        recipients = ("otto@example.org", "Mira <mira@example.org>")
        assert send_failure_mail(settings, recipients, SUBJECT, BODY, log)
    assert mailbox.recipients == [["otto@example.org"], ["mira@example.org"]]
    message = mailbox.messages[1]
    assert message["To"] == "Mira <mira@example.org>"
    assert message["From"] == "harvester@example.org"
    assert message["Subject"] == "Synchronization failed"
    body = message.get_body()
    assert body
    assert body.get_content().strip() == BODY
    (attachment,) = message.iter_attachments()
    assert attachment.get_content_type() == "text/plain"
    assert attachment.get_filename() == log.name
    payload = attachment.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode() == LOG


def test_the_subject_of_a_dry_run_is_the_original_s() -> None:
    assert SUBJECT_OF_DRY_RUN == "Synchronization (dry run) failed"


def test_an_address_that_is_refused_does_not_stop_the_others(
    tmp_path: Path, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as (mailbox, port):
        settings = mailing(tmp_path, port)
        recipients = ("nobody@example.org", "otto@example.org")
        assert not send_failure_mail(settings, recipients, SUBJECT, BODY, log)
    assert mailbox.recipients == [["otto@example.org"]]
    assert "could not be sent to nobody@example.org" in caplog.text


def test_a_mail_server_that_is_not_there_is_logged_and_raises_nothing(
    tmp_path: Path, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as (_, port):
        settings = mailing(tmp_path, port)
    assert not send_failure_mail(settings, ("otto@example.org",), SUBJECT, BODY, log)
    assert "could not be sent to otto@example.org" in caplog.text


def test_without_a_mail_server_it_is_logged_that_nobody_was_told(
    tmp_path: Path, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not send_failure_mail(settings_in(tmp_path), ("a@b.org",), SUBJECT, BODY, log)
    assert "mail.smtp.host is not set" in caplog.text


def test_without_recipients_there_is_nothing_to_do(
    tmp_path: Path, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert send_failure_mail(settings_in(tmp_path), (), SUBJECT, BODY, log)
    assert caplog.text == ""


def test_a_text_that_is_no_header_is_logged_and_raises_nothing(tmp_path: Path, log: Path) -> None:
    with mail_server() as (mailbox, port):
        settings = mailing(tmp_path, port)
        subject = "Synchronization failed\nBcc: everybody@example.org"
        assert not send_failure_mail(settings, ("a@b.org",), subject, BODY, log)
    assert mailbox.messages == []


def test_a_log_that_is_not_there_does_not_keep_the_mail_away(tmp_path: Path) -> None:
    with mail_server() as (mailbox, port):
        settings = mailing(tmp_path, port)
        gone = tmp_path / "gone.log"
        assert send_failure_mail(settings, ("a@b.org",), SUBJECT, BODY, gone)
    (attachment,) = mailbox.messages[0].iter_attachments()
    assert b"cannot be read" in bytes(attachment.get_payload(decode=True))


def test_only_the_end_of_a_huge_log_is_sent(tmp_path: Path, log: Path) -> None:
    log.write_bytes(b"first line\n" + b"x" * 5_000_000)
    with mail_server(data_size_limit=10_000_000) as (mailbox, port):
        settings = mailing(tmp_path, port)
        assert send_failure_mail(settings, ("a@b.org",), SUBJECT, BODY, log)
    (attachment,) = mailbox.messages[0].iter_attachments()
    assert attachment.get_payload(decode=True) == b"x" * 5_000_000


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_a_mail_goes_encrypted_and_with_a_login(
    tmp_path: Path, log: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    lines = (f"mail.smtp.{mode} = true", "mail.smtp.user = mira", "mail.smtp.password = secret")
    with encrypting(mode, file) as (mailbox, port):
        settings = mailing(tmp_path, port, *lines)
        assert send_failure_mail(settings, ("a@b.org",), SUBJECT, BODY, log)
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_a_wrong_password_is_logged_without_showing_it(
    tmp_path: Path,
    log: Path,
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    lines = (f"mail.smtp.{mode} = true", "mail.smtp.user = mira", "mail.smtp.password = hidden")
    with encrypting(mode, file) as (mailbox, port):
        settings = mailing(tmp_path, port, *lines)
        assert not send_failure_mail(settings, ("a@b.org",), SUBJECT, BODY, log)
    assert mailbox.messages == []
    assert "Authentication" in caplog.text
    assert "hidden" not in caplog.text


def test_a_mail_server_that_nobody_vouches_for_gets_no_mail(
    tmp_path: Path, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with encrypting("starttls", certificate(tmp_path)) as (mailbox, port):
        settings = mailing(tmp_path, port, "mail.smtp.starttls = true")
        assert not send_failure_mail(settings, ("a@b.org",), SUBJECT, BODY, log)
    assert mailbox.messages == []
    assert "certificate verify failed" in caplog.text
