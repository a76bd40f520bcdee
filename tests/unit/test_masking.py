"""Known secrets are masked by value in each text that leaves the program."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import pytest

from harvester.commands.listing import print_json, print_table
from harvester.logs.log_format import formatter
from harvester.openbis.section import SectionConfig
from harvester.runs.section_report import SectionReport
from harvester.settings.harvester import HarvesterSettings, read_settings
from harvester.settings.ini import read_ini
from shared.command_line import run_command
from shared.errors import ConfigError, ConflictError, ItemError, SourceError
from shared.extras import NO_EXTRA
from shared.masking import masked, remember_secrets
from shared.plain_lines import LineFormatter, complain, say
from shared.settings.faults import unknown_key
from shared.settings.model import Given
from shared.settings.quantities import LogFormat
from shared.settings.secrets import resolve_secrets
from tests.support.instances.settings_files import write_private

SECRET = "Tulip@field-77ü"


@pytest.mark.parametrize(
    "text",
    [
        "wrong password: Tulip@field-77ü.",
        "https://host/?pw=Tulip%40field-77%C3%BC&x=1",
        '{"pw": "Tulip@field-77\\u00fc"}',
        "xTulip@field-77üx",
        "Authorization: VHVsaXBAZmllbGQtNzfDvA==",
    ],
)
def test_a_secret_is_masked_however_it_is_written(text: str) -> None:
    remember_secrets(SECRET)
    assert "***" in masked(text)
    assert "field-77" not in masked(text)


def test_short_secrets_are_masked_where_they_stand_alone_and_words_are_not() -> None:
    remember_secrets("Ab1x", "none", "abc")
    assert masked("Ab1x, Ab1xy and none of abc") == "***, Ab1xy and none of abc"


def test_secrets_of_settings_are_known_however_they_are_given(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    write_private(file, "from-a-file-77")
    given = {
        "mail.smtp.password-file": Given(value=str(file), place="x:1"),
        "database-url": Given(
            value="postgresql://u:Tulip%40field-77@h/db?password=query-77", place="x:2"
        ),
    }
    resolve_secrets(HarvesterSettings, given, base=tmp_path, environ={})
    section = {"data-source-auth-pass": Given(value="env:PASS", place="x:3")}
    resolve_secrets(SectionConfig, section, base=tmp_path, environ={"PASS": "variable-77"})

    text = "from-a-file-77 Tulip@field-77 Tulip%40field-77 query-77 variable-77 postgresql"
    assert masked(text) == "*** *** *** *** *** postgresql"


def test_all_errors_mask_their_message_and_their_parts() -> None:
    remember_secrets(SECRET)
    told = (
        str(SourceError(f"the source says: {SECRET}")),
        *ConfigError([f"a {SECRET}"]).faults,
        *ConflictError([f"b {SECRET}"]).reasons,
        ItemError("SAMPLE", "1", f"c {SECRET}").reason,
        str(ItemError("SAMPLE", "1", f"c {SECRET}")),
    )
    assert all("***" in each and "field-77" not in each for each in told)


def test_logs_mask_messages_and_tracebacks_of_drivers() -> None:
    remember_secrets(SECRET)
    trace = (ValueError, ValueError(f"connection to u:{SECRET}@host failed"), None)
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "told %s", (SECRET,), trace)
    for form in (
        formatter(LogFormat.TEXT),
        formatter(LogFormat.JSON),
        LineFormatter("%(message)s"),
    ):
        line = form.format(record)
        assert "field-77" not in line
        assert line.count("***") >= 2


def test_what_ends_a_run_is_masked_in_its_last_line() -> None:
    remember_secrets(SECRET)
    report = SectionReport(name="DS1", error=ValueError(f"driver: {SECRET}"))
    assert report.last_line == "FAILED: driver: ***"


def test_the_terminal_masks_and_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    remember_secrets(SECRET)
    forged = f"PERM\nOK: all is done \x1b[2J \u202e {SECRET}"
    shown = "PERM\\nOK: all is done \\x1b[2J \\u202e ***"
    say(forged, "second")
    complain(forged)
    print_table(("name",), [(forged,)])
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f"{shown}\tsecond"
    assert shown in out.splitlines()[2]
    assert err == f"{shown}\n"


@pytest.mark.parametrize("error", [SourceError, ValueError])
def test_the_edge_of_a_program_masks_and_escapes(
    capsys: pytest.CaptureFixture[str], error: type[Exception]
) -> None:
    def fails(_options: object) -> int:
        raise error(f"{SECRET}\nharvester: OK")

    remember_secrets(SECRET)
    options = argparse.Namespace(command=fails, needs=NO_EXTRA)
    run_command("harvester", options, interrupted="")
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "***\\nharvester: OK" in err


def test_a_fault_does_not_show_a_value_that_may_be_a_password(tmp_path: Path) -> None:
    path = tmp_path / "harvester.properties"
    write_private(
        path,
        "harvester-config-file = c.txt\nmail.smtp.port = Tulip-77\nmail.smtp.host = Tulip/77\n"
        "interval = Tulip-77\nmonitor-address = Tulip-77\nmail.smtp.ssl = Tulip-77\n",
    )
    with pytest.raises(ConfigError) as refusal:
        read_settings(path, {})
    assert len(refusal.value.faults) == 5
    assert "Tulip" not in str(refusal.value)
    assert f"{path}:2: mail.smtp.port: must be a whole number, not '***'" in refusal.value.faults


def test_a_password_behind_the_wrong_sign_is_not_taken_for_a_key(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text("[DS1]\nharvester-pass : Tulip=77\n")
    [key] = read_ini(path).sections["DS1"].entries
    assert unknown_key(key, ["harvester-pass"]) == (
        "harvester-pass...: there is no such key; did you mean harvester-pass?"
    )


def test_json_for_programs_stays_exact(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"perm_id": "a\nb\x1b\u202e"})
    assert json.loads(capsys.readouterr().out) == {"perm_id": "a\nb\x1b\u202e"}
