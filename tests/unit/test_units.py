"""The files by which others keep the programs running: units of systemd, and the compose file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harvester.__main__ import _parser as harvester_parser
from harvester.openbis.section import SectionConfig
from harvester.settings.config_file import read_config
from harvester.settings.harvester import HarvesterSettings, read_settings
from shared.command_line import loaded
from shared.settings.model import keys_of
from shared.settings.properties import variable_of
from source_server.__main__ import _parser as source_server_parser
from source_server.settings import SourceSettings
from source_server.settings import read_settings as read_source_settings

PROJECT = Path(__file__).parents[2]
UNITS = sorted((PROJECT / "config" / "systemd").glob("*.service"))
PARSERS = {"harvester": harvester_parser(), "source-server": source_server_parser()}


def command_of(unit: Path) -> list[str]:
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    return str(line).split()


def test_there_is_a_unit_for_each_program() -> None:
    assert [unit.stem for unit in UNITS] == ["openbis-sync-harvester", "openbis-sync-source-server"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_no_fault_in_a_unit(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd here")
    program = command_of(unit)[0]
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace(program, sys.executable))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in result.stderr.splitlines() if unit.name in line]
    assert (result.returncode, told) == (0, []), result.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_calls_a_command_that_there_is(unit: Path) -> None:
    program, *arguments = command_of(unit)
    options = PARSERS[Path(program).name].parse_args(arguments)
    assert loaded(options.command).__name__ in {"daemon", "serve"}
    assert str(options.config).startswith("/etc/openbis-sync/")


def test_the_settings_of_the_compose_file_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = PROJECT / "docker" / "config"
    for name in re.findall(r"env:(\w+)", (folder / "harvester-config.txt").read_text()):
        assert f"{name}: ${{{name}:?" in (PROJECT / "docker" / "compose.yaml").read_text()
        monkeypatch.setenv(name, "secret")
    settings = read_settings(folder / "harvester.properties", {})
    config = read_config(settings.harvester_config_file, settings)
    assert config.faults == {}
    assert config.of_kind(SectionConfig)[0].harvester_pass.get_secret_value() == "secret"
    assert read_source_settings(folder / "source-server.properties", {}).port == 8080


def test_the_variables_that_are_set_are_keys_of_the_programs() -> None:
    keys = {*keys_of(HarvesterSettings).values(), *keys_of(SourceSettings).values()}
    known = {variable_of(key) for key in keys}
    files = [*UNITS, PROJECT / "docker" / "Dockerfile", PROJECT / "docker" / "compose.yaml"]
    text = "\n".join(file.read_text() for file in files)
    found = set(re.findall(r"\bOPENBIS_SYNC_[A-Z_]+", text))
    assert {n for n in found if not {n, n.removesuffix("_FILE")} & known} == set()
    assert len(found) > 5
