"""Warnings of files with passwords that others may read."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from harvester.settings.config_file import read_config
from harvester.settings.harvester import HarvesterSettings
from shared.errors import ConfigError
from shared.settings.permissions import Account, exposure
from shared.settings.properties import read_properties_settings
from source_server import settings as source_server
from tests.support.instances.settings_files import MANDATORY, settings_in, write_private

PLAIN = "harvester-config-file = h.txt\n"
ELSEWHERE = MANDATORY.replace("s=e%c#r et", "env:A").replace("= other", "= env:A")


def warnings_of(folder: Path, text: str, mode: int) -> tuple[str, ...]:
    file = folder / "h.txt"
    write_private(file, text)
    file.chmod(mode)
    return read_config(file, settings_in(folder), {"A": "a"}).warnings


@pytest.mark.parametrize(
    ("mode", "readers"),
    [
        (0o644, "its group and others (mode 0644)"),
        (0o640, "its group (mode 0640)"),
        (0o604, "others (mode 0604)"),
    ],
)
def test_a_config_file_with_a_password_that_others_may_read_is_warned_of_once(
    tmp_path: Path, mode: int, readers: str
) -> None:
    text = f"[DS1]\n{MANDATORY}[DS2]\n{MANDATORY}"
    file = f"{tmp_path}/h.txt"
    told = (
        f"{file}: it holds passwords and is readable by {readers}; mend it with: chmod 600 {file}"
    )
    assert warnings_of(tmp_path, text, mode) == (told,)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o622, 0o711])
def test_a_config_file_that_only_its_owner_may_read_is_not_warned_of(
    tmp_path: Path, mode: int
) -> None:
    assert warnings_of(tmp_path, f"[DS1]\n{MANDATORY}", mode) == ()


def test_a_config_file_without_a_password_may_be_read_by_everybody(tmp_path: Path) -> None:
    write_private(tmp_path / "pass", "a")
    assert warnings_of(tmp_path, f"[DS1]\n{ELSEWHERE}", 0o644) == ()
    of_file = ELSEWHERE.replace("harvester-pass = env:A", "harvester-pass-file = pass")
    assert warnings_of(tmp_path, f"[DS1]\n{of_file}", 0o644) == ()
    of_text = ELSEWHERE.replace("harvester-pass = env:A", "harvester-pass = literal:env:A")
    assert len(warnings_of(tmp_path, f"[DS1]\n{of_text}", 0o644)) == 1


def test_a_secret_file_that_others_may_read_is_warned_of_where_it_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "my pass"
    write_private(secret, "a")
    secret.chmod(0o644)
    text = f"[DS1]\n{ELSEWHERE}".replace("harvester-pass = env:A", "harvester-pass-file = my pass")
    (warning,) = warnings_of(tmp_path, text, 0o644)
    assert warning == (
        f"{tmp_path}/h.txt:7: [DS1] harvester-pass-file: {secret} is readable by its group and "
        f"others (mode 0644); mend it with: chmod 600 '{secret}'"
    )


@pytest.mark.parametrize(
    ("line", "warnings"),
    [
        ("", 0),
        ("database-url = sqlite:///x.db", 0),
        ("database-url = postgresql:///x?host=/run", 0),
        ("database-url = postgresql://u@h/x", 0),
        ("database-url = postgresql://u:p@h/x", 1),
        ("database-url = literal:postgresql://u:p@h/x", 1),
        ("database-url = postgresql://h/x?user=u&password=p", 1),
        ("database-url = env:A", 0),
        ("mail.smtp.user = u\nmail.smtp.password = p", 1),
        ("mail.smtp.user = u\nmail.smtp.password = a://b", 1),
    ],
)
def test_properties_are_warned_of_only_if_there_is_a_password_in_them(
    tmp_path: Path, line: str, warnings: int
) -> None:
    file = tmp_path / "p"
    file.write_text(PLAIN + line)
    file.chmod(0o644)
    told: list[str] = []
    variables = {"A": "postgresql://u:p@h/x"}
    read_properties_settings(HarvesterSettings, file, variables, warn=told.append)
    assert len(told) == warnings
    assert all(text.startswith(f"{file}: it holds passwords") for text in told)


def test_a_password_that_the_environment_replaces_is_still_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text(f"{PLAIN}mail.smtp.user = u\nmail.smtp.password = p")
    file.chmod(0o644)
    told: list[str] = []
    variables = {"OPENBIS_SYNC_MAIL_SMTP_PASSWORD": "q"}
    read_properties_settings(HarvesterSettings, file, variables, warn=told.append)
    assert len(told) == 1


def test_files_without_passwords_may_be_given_in_the_source_servers_properties(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "s"
    file.write_text("path-info-database-url = none\nusers-file = users\n")
    file.chmod(0o644)
    source_server.read_settings(file, {})
    assert caplog.text == ""


def test_a_warning_of_properties_goes_to_the_log_once_and_also_if_they_have_faults(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "url"
    write_private(secret, "postgresql://u:p@h/x")
    secret.chmod(0o644)
    file = tmp_path / "s"
    write_private(file, "database-url-file = url\nport = many\n")
    for _ in range(2):
        with pytest.raises(ConfigError):
            source_server.read_settings(file, {})
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == (
        f"{file}:1: database-url-file: {secret} is readable by its group and others (mode 0644); "
        f"mend it with: chmod 600 {secret}"
    )


@pytest.mark.parametrize(
    ("account", "mode", "command"),
    [
        (Account(user=1, groups={10}), 0o640, "chmod 600 /f"),
        (Account(user=0, groups={0}), 0o640, "chmod 600 /f"),
        (Account(user=2, groups={10}), 0o640, None),
        (Account(user=2, groups={10}), 0o644, "chmod 640 /f"),
        (Account(user=2, groups={20}), 0o644, "chown 2 /f && chmod 600 /f"),
        (Account(user=2, groups={10}), 0o604, "chown 2 /f && chmod 600 /f"),
    ],
)
def test_the_command_that_mends_a_file_leaves_it_readable_to_the_program(
    account: Account, mode: int, command: str | None
) -> None:
    status = os.stat_result((0o100000 | mode, 0, 0, 1, 1, 10, 0, 0, 0, 0))
    told = exposure(Path("/f"), status, account)
    assert (told and told.partition("mend it with: ")[2]) == command
