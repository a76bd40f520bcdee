"""What the programs take from their environment, and what they refuse by name."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harvester.execution.schedule import schedule_of
from harvester.execution.trial import daemon_faults, unwritable
from harvester.settings.harvester import HarvesterSettings, read_settings
from shared.environment import environment_faults, local_zone
from shared.errors import ConfigError
from shared.monitoring import Health, listening_socket, monitored
from shared.settings.quantities import ListenAddress
from tests.support.instances.settings_files import MANDATORY, settings_in, write_private

PROGRAM = sys.executable, "-m", "harvester"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "hours"),
    [
        ("UTC0", 0),
        ("UTC", 0),
        ("GMT+12", -12),
        ("EST5", -5),
        ("EST5EDT", -4),
        ("CET-1CEST,M3.5.0,M10.5.0/3", 2),
        ("<+03>-3", 3),
        ("Europe/Zurich", 2),
        (":Europe/Zurich", 2),
        ('"Europe/Zurich"', 2),
        ("'UTC'", 0),
    ],
)
def test_each_form_of_a_time_zone_is_read_as_the_system_reads_it(value: str, hours: int) -> None:
    assert NOON.astimezone(local_zone({"TZ": value})).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("value", ["Europe/Zurch", "nonsense!", "UTC+99", "/etc/passwd", "../x"])
def test_an_unknown_time_zone_is_told_by_its_variable(value: str) -> None:
    (fault,) = environment_faults({"TZ": value})
    assert fault.startswith(f"environment variable TZ={value}: is not known (")
    assert fault.endswith("set TZ to a name such as Europe/Zurich, or to UTC")


@pytest.mark.parametrize("variable", ["TMPDIR", "SQLITE_TMPDIR"])
def test_a_folder_for_temporary_files_must_be_there(tmp_path: Path, variable: str) -> None:
    assert list(environment_faults({variable: str(tmp_path)})) == []
    (fault,) = environment_faults({variable: str(tmp_path / "none")})
    assert fault.startswith(f"environment variable {variable}={tmp_path}/none: is no folder")


@pytest.mark.parametrize("zone", ["UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Zurich"])
@pytest.mark.parametrize("schedule", ["cron: 0 0/30 * * * *", "cron: 0 30 2 * * *", "6, 18:30"])
def test_schedules_count_in_each_form_of_a_zone(tmp_path: Path, zone: str, schedule: str) -> None:
    text = f"harvester-config-file = h.txt\nrun-schedule = {schedule}"
    found = schedule_of(settings_in(tmp_path, text), local_zone({"TZ": zone})).after(NOON)
    assert NOON < found <= NOON + timedelta(days=1)


def a_harvester(folder: Path, *lines: str) -> Path:
    write_private(folder / "h.txt", f"[DS1]\n{MANDATORY}")
    file = folder / "harvester.properties"
    file.write_text("\n".join(["harvester-config-file = h.txt", *lines]))
    return file


def check_config(folder: Path, *lines: str, **environ: str) -> tuple[int, str]:
    """The real program, with an environment of its own."""
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "harvester",
            "check-config",
            "--config",
            a_harvester(folder, *lines),
        ],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_the_program_names_all_variables_that_are_wrong(tmp_path: Path) -> None:
    code, output = check_config(tmp_path, TZ="Europe/Zurch", TMPDIR=str(tmp_path / "none"))
    assert code == 2
    assert "harvester: environment variable TZ=Europe/Zurch: is not known" in output
    assert "harvester: environment variable TMPDIR=" in output
    assert "Traceback" not in output


def test_the_program_does_not_need_a_home_or_a_terminal_of_unicode(tmp_path: Path) -> None:
    folder = tmp_path / "größe łąk"
    folder.mkdir()
    code, output = check_config(
        folder, HOME="/nonexistent", PYTHONIOENCODING="ascii", LANG="C", TZ='"UTC0"'
    )
    assert code == 2  # there is no destination yet
    assert r"gr\xf6\xdfe \u0142\u0105k" in output
    assert "there is no instance yet" in output


def test_names_of_files_need_unicode(tmp_path: Path) -> None:
    code, output = check_config(tmp_path, LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert code == 2
    assert "environment variable LC_ALL=C: names of files would be written as" in output
    assert "set LC_ALL=C.UTF-8, or PYTHONUTF8=1" in output


def test_what_the_program_writes_is_not_for_others(tmp_path: Path) -> None:
    file = a_harvester(tmp_path)
    run = [*PROGRAM, "init", "--config", str(file)]
    subprocess.run(run, check=True, capture_output=True, umask=0)
    mode = (tmp_path / "data" / "harvester.db").stat().st_mode & 0o777
    assert mode == 0o640
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OPENBIS_SYNC_DATABSE_URL", "OPENBIS_SYNC_DATABASE_URL"),
        ("OPENBIS_SYNC_DATABASE_ULR", "OPENBIS_SYNC_DATABASE_URL"),
        ("openbis_sync_database_url", "OPENBIS_SYNC_DATABASE_URL"),
        ("OPENBIS_SYNC_MAIL_SMTP_PASWORD", "OPENBIS_SYNC_MAIL_SMTP_PASSWORD"),
    ],
)
def test_a_mistyped_variable_is_a_fault(tmp_path: Path, name: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(a_harvester(tmp_path), {name: "x"})
    told = f"environment variable {name}: there is no such key; did you mean {meant}?"
    assert caught.value.faults == (told,)


@pytest.mark.parametrize("name", ["OPENBIS_SYNC_USERS_FILE", "OPENBIS_SYNC_LAB_SECRET", "PATH"])
def test_variables_of_the_other_program_and_secrets_are_none(tmp_path: Path, name: str) -> None:
    assert read_settings(a_harvester(tmp_path), {name: "x"}).parallel_sections == 1


def with_monitor(folder: Path, port: int) -> HarvesterSettings:
    return read_settings(a_harvester(folder, f"monitor-address = 127.0.0.1:{port}"), {})


def test_a_monitor_address_that_is_taken_is_a_fault(tmp_path: Path) -> None:
    with listening_socket("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        (fault,) = daemon_faults(with_monitor(tmp_path, port))
    assert fault.startswith(f"monitor-address = 127.0.0.1:{port}: cannot listen there: ")
    assert list(daemon_faults(with_monitor(tmp_path, port))) == []


def test_a_daemon_that_runs_already_is_no_fault(tmp_path: Path) -> None:
    with monitored(
        ListenAddress("127.0.0.1", 0), list, lambda: Health(ok=True, details={})
    ) as port:
        assert list(daemon_faults(with_monitor(tmp_path, port))) == []


def test_a_schedule_that_never_comes_is_a_fault(tmp_path: Path) -> None:
    code, output = check_config(tmp_path, "run-schedule = cron: 0 0 0 30 2 *")
    assert code == 2
    assert "run-schedule: '***' is no schedule: that day never comes" in output


def test_the_file_of_the_schedule_must_have_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lines = "run-schedule = 6:00", "run-schedule-file = file/next.txt"
    (fault,) = daemon_faults(read_settings(a_harvester(tmp_path, *lines), {}))
    assert fault.startswith(f"run-schedule-file = {tmp_path}/file/next.txt: ")
    assert f"{tmp_path}/file is no folder" in fault


def test_a_log_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "synchronization_DS1.log").mkdir()
    code, output = check_config(tmp_path)
    assert code == 2
    assert (
        f"[DS1] log-file = {tmp_path}/synchronization_DS1.log: a folder lies in its place" in output
    )
    assert "Traceback" not in output
    assert unwritable(tmp_path / "new" / "folder" / "file.log") is None
