"""Mails to operators, sent to a real mail server."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from harvester.notices.mail import Mail, open_mail_server, send_mail
from harvester.settings.harvester import HarvesterSettings
from tests.support.instances.settings_files import settings_in
from tests.support.servers.certificates import certificate
from tests.support.servers.mail_server import (
    attachment_of,
    body_of,
    encrypting,
    endless,
    knows_mira,
    mail_server,
    properties_for,
)

BODY = "Section DS1 failed: \u00e4 list was cut = broken.\n" + "x" * 2000 + "\n"
LOG = "2024-03-05 09:14:07,123 ERROR \u00e4\n".encode()
MAIL = Mail(
    subject="Synchronization failed",
    body=BODY,
    section="DS1",
    attachment=LOG,
    attachment_name="synchronization_DS1_2024-03-05_09-14-07.log",
)
MIRA = ("mail.smtp.user = mira", "mail.smtp.password = secret")


def mailing(folder: Path, port: int, *lines: str) -> HarvesterSettings:
    text = ["harvester-config-file = h.txt", *properties_for(port), *lines]
    return settings_in(folder, "\n".join(text))


def test_each_address_gets_a_mail_of_its_own_with_the_log(tmp_path: Path) -> None:
    with mail_server() as (mailbox, port):
        recipients = ("otto@example.org", "Mira <mira@example.org>", "otto@example.org")
        assert send_mail(mailing(tmp_path, port), recipients, MAIL)
    assert mailbox.recipients == [["otto@example.org"], ["mira@example.org"]]
    assert len(mailbox.sessions) == 1
    message = mailbox.messages[1]
    assert message["To"] == "Mira <mira@example.org>"
    assert message["From"] == "harvester@example.org"
    assert message["Subject"] == "Synchronization failed"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Openbis-Sync-Section"] == "DS1"
    assert message["Message-ID"] != mailbox.messages[0]["Message-ID"]
    assert body_of(message) == BODY
    assert attachment_of(message) == ("synchronization_DS1_2024-03-05_09-14-07.log", LOG)


def test_names_of_any_alphabet_arrive_as_they_are(tmp_path: Path) -> None:
    mail = Mail(
        subject="Synchronization failed",
        body="[Pr\u00fcfling \u65e5\u672c]: \U0001f9c0\n",
        section="Pr\u00fcfling \u65e5\u672c",
        attachment=b"x\n",
        attachment_name="sync_Pr\u00fcfling.log",
    )
    with mail_server() as (mailbox, port):
        assert send_mail(mailing(tmp_path, port), ("Zo\u00eb <zoe@example.org>",), mail)
    (message,) = mailbox.messages
    assert message["To"] == "Zo\u00eb <zoe@example.org>"
    assert message["X-Openbis-Sync-Section"] == "Pr\u00fcfling \u65e5\u672c"
    assert body_of(message) == mail.body
    assert attachment_of(message)[0] == "sync_Pr\u00fcfling.log"


def test_line_breaks_and_what_cannot_be_written_make_no_headers(tmp_path: Path) -> None:
    mail = Mail(
        subject="Synchronization failed",
        body="file \udcff, null \0, bell \a\r\nnext line",
        section="DS1\r\nBcc: everybody@example.org",
        attachment=b"x\n",
        attachment_name="a\nX-Evil: 1.log",
    )
    with mail_server() as (mailbox, port):
        assert send_mail(mailing(tmp_path, port), ("a@b.org",), mail)
    (message,) = mailbox.messages
    assert mailbox.recipients == [["a@b.org"]]
    assert message["Bcc"] is None
    assert message["X-Openbis-Sync-Section"] == "DS1 Bcc: everybody@example.org"
    assert body_of(message) == "file ?, null ?, bell ?\nnext line\n"
    (attachment,) = message.iter_attachments()
    assert attachment["X-Evil"] is None
    assert attachment.get_filename() == "a X-Evil: 1.log"


def test_a_mail_that_cannot_be_made_is_logged_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mail = Mail(subject="failed\nBcc: everybody@example.org", body="", section="DS1")
    with mail_server() as (mailbox, port):
        assert not send_mail(mailing(tmp_path, port), ("a@b.org", "c@d.org"), mail)
    assert mailbox.messages == []
    assert caplog.text.count("could not be sent to") == 2


def test_without_a_log_there_is_no_attachment(tmp_path: Path) -> None:
    with mail_server() as (mailbox, port):
        mail = Mail(subject="Synchronization works again", body=BODY, section="DS1")
        assert send_mail(mailing(tmp_path, port), ("a@b.org",), mail)
    assert list(mailbox.messages[0].iter_attachments()) == []
    assert body_of(mailbox.messages[0]) == BODY


@pytest.mark.parametrize("limit", [200_000, 33_554_432])
def test_of_a_huge_log_only_so_much_is_sent_as_the_server_takes(tmp_path: Path, limit: int) -> None:
    lines = [b"line %d\n" % number for number in range(1_000_000)]
    mail = Mail(
        subject="Synchronization failed",
        body=BODY,
        section="DS1",
        attachment=b"".join(lines),
        attachment_name="a.log",
    )
    with mail_server(data_size_limit=limit) as (mailbox, port):
        assert send_mail(mailing(tmp_path, port), ("a@b.org",), mail)
    _, log = attachment_of(mailbox.messages[0])
    first, second, *_, last = log.splitlines(keepends=True)
    assert b"the beginning is left out" in first
    assert second in lines
    assert last == lines[-1]
    assert min(limit // 2, 4_900_000) < len(log) < 5_000_200


def test_an_address_that_is_refused_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as (mailbox, port):
        recipients = ("nobody@example.org", "otto@example.org")
        assert send_mail(mailing(tmp_path, port), recipients, MAIL)
    assert mailbox.recipients == [["otto@example.org"]]
    assert "could not be sent to nobody@example.org: 550 no such user" in caplog.text


def test_if_every_address_is_refused_nobody_was_told(tmp_path: Path) -> None:
    with mail_server() as (mailbox, port):
        assert not send_mail(mailing(tmp_path, port), ("nobody@a.org", "nobody@b.org"), MAIL)
    assert mailbox.messages == []


def test_a_sender_that_is_refused_is_logged_for_each_recipient(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as (mailbox, port):
        settings = mailing(tmp_path, port).model_copy(update={"mail_from": "banned@example.org"})
        assert not send_mail(settings, ("a@b.org", "c@d.org"), MAIL)
    assert mailbox.messages == []
    assert caplog.text.count(": 553 not from you") == 2


def test_a_server_that_breaks_off_is_called_again_for_the_next_recipient(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as (mailbox, port):
        recipients = ("goodbye@example.org", "otto@example.org")
        assert send_mail(mailing(tmp_path, port), recipients, MAIL)
    assert mailbox.recipients == [["otto@example.org"]]
    assert "could not be sent to goodbye@example.org" in caplog.text


def test_a_mail_server_that_is_not_there_is_logged_once_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as (_, port):
        settings = mailing(tmp_path, port)
    assert not send_mail(settings, ("otto@example.org", "mira@example.org"), MAIL)
    assert "could not be sent to otto@example.org, mira@example.org: [Errno" in caplog.text
    assert len(caplog.records) == 1
    assert caplog.records[0].name == "harvester.notices.mail"


ENDLESS = {
    "it never says a word": (b"", b""),
    "its greeting drips and has no end": (b"2", b"20-word\r\n2"),
    "it hangs behind its greeting": (b"220 ready\r\n", b""),
    "its answer drips and has no end": (b"220 ready\r\n", b"250-x\r\n"),
}


@pytest.mark.parametrize("how", ENDLESS)
@pytest.mark.parametrize("mode", ["ssl", "starttls", "ssl = false\nmail.smtp.starttls"])
def test_a_mail_server_that_never_ends_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str, mode: str
) -> None:
    """If it were not, this test would not end."""
    value = "false" if "\n" in mode else "true"
    with endless(*ENDLESS[how]) as port:
        settings = mailing(tmp_path, port, f"mail.smtp.{mode} = {value}")
        assert not send_mail(settings, ("otto@example.org", "mira@b.org"), MAIL, patience=0.5)
    assert caplog.text.count("could not be sent to otto@example.org, mira@b.org: ") == 1


def test_without_a_mail_server_it_is_logged_that_nobody_was_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not send_mail(settings_in(tmp_path), ("a@b.org",), MAIL)
    assert "No mail was sent to a@b.org: mail.smtp.host is not set" in caplog.text


def test_without_a_sender_it_is_logged_that_nobody_was_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = mailing(tmp_path, 25).model_copy(update={"mail_from": None})
    assert not send_mail(settings, ("a@b.org",), MAIL)
    assert "No mail was sent to a@b.org: mail.from is not set" in caplog.text


def test_without_recipients_there_is_nothing_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not send_mail(settings_in(tmp_path), (), MAIL)
    assert caplog.text == ""


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_a_mail_goes_encrypted_and_with_a_login(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with encrypting(mode, file) as (mailbox, port):
        settings = mailing(tmp_path, port, f"mail.smtp.{mode} = true", *MIRA)
        assert send_mail(settings, ("a@b.org",), MAIL)
    assert len(mailbox.messages) == 1


def test_a_login_need_not_be_encrypted_and_a_refused_one_sends_nothing(tmp_path: Path) -> None:
    with mail_server(authenticator=knows_mira, auth_require_tls=False) as (mailbox, port):
        stranger = ("mail.smtp.user = otto", "mail.smtp.password = secret")
        assert not send_mail(mailing(tmp_path, port, *stranger), ("a@b.org",), MAIL)
        assert mailbox.messages == []
        assert send_mail(mailing(tmp_path, port, *MIRA), ("a@b.org",), MAIL)
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_a_wrong_password_is_logged_without_showing_it(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    lines = (f"mail.smtp.{mode} = true", "mail.smtp.user = mira", "mail.smtp.password = hidden")
    with encrypting(mode, file) as (mailbox, port):
        assert not send_mail(mailing(tmp_path, port, *lines), ("a@b.org",), MAIL)
    assert mailbox.messages == []
    assert "the mail server refuses the login with code 535" in caplog.text
    assert "hidden" not in caplog.text


def test_a_mail_server_that_nobody_vouches_for_gets_no_mail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with encrypting("starttls", certificate(tmp_path)) as (mailbox, port):
        settings = mailing(tmp_path, port, "mail.smtp.starttls = true")
        assert not send_mail(settings, ("a@b.org",), MAIL)
    assert mailbox.messages == []
    assert "certificate verify failed" in caplog.text
    assert "SSL_CERT_FILE" in caplog.text


def test_a_mail_server_can_be_tried_without_a_mail(tmp_path: Path) -> None:
    with mail_server() as (mailbox, port), open_mail_server(mailing(tmp_path, port)) as server:
        assert server.noop()[0] == 250
    assert mailbox.messages == []
