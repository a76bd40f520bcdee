"""No path of openDCIM's settings may destroy another one, nor one of the programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from opendcim.repository.settings import RepositorySettings
from shared.errors import ConfigError
from source_server.settings import read_server_settings
from tests.support.instances.settings_files import config_of

REPOSITORY = "opendcim-repository = true\n"
SECTION = """\
[DCIM]
kind = opendcim-repository
repository-url = https://repository.example.org
opendcim-database-url = sqlite:///dcim.db
pictures-dir = pictures
"""


@pytest.mark.parametrize(
    "line",
    [
        "opendcim-repository-pictures-dir = data",
        "opendcim-repository-pictures-dir = data/file-service",
        "users-file = data/opendcim-repository.db",
    ],
)
def test_the_repositorys_paths_do_not_conflict(tmp_path: Path, line: str) -> None:
    file = tmp_path / "source.properties"
    file.write_text(REPOSITORY + line)
    with pytest.raises(ConfigError, match="give each a place of its own, or data are lost"):
        read_server_settings(file, {})


def test_the_later_one_of_two_parts_in_conflict_is_told(tmp_path: Path) -> None:
    file = tmp_path / "source.properties"
    file.write_text(
        f"{REPOSITORY}opendcim-connector-database-url = sqlite:///data/opendcim-pictures/c.db\n"
        "opendcim-connector = true\nopendcim-connector-address = h\n"
        "opendcim-connector-elements = e.csv\nopendcim-connector-user = u\n"
        "opendcim-connector-password = p\n"
    )
    with pytest.raises(ConfigError) as refusal:
        read_server_settings(file, {})
    assert f"{file}, by default: opendcim-repository-pictures-dir: " in str(refusal.value)


def test_one_database_may_serve_several_purposes(tmp_path: Path) -> None:
    file = tmp_path / "source.properties"
    file.write_text(REPOSITORY + "opendcim-repository-database-url = sqlite:///data/source.db")
    assert read_server_settings(file, {}).of(RepositorySettings).opendcim_repository


@pytest.mark.parametrize(
    "line",
    [
        "opendcim-state-dir = data/store/1",
        "opendcim-state-dir = pictures",
        "opendcim-state-dir = .",
        "log-file = dcim.db",
        "log-file = pictures/a.log",
        "log-file = opendcim_DCIM/a.log",
    ],
)
def test_the_paths_of_sections_are_checked_too(tmp_path: Path, line: str) -> None:
    assert config_of(tmp_path, SECTION).faults == {}
    config = config_of(tmp_path, f"{SECTION}{line}")
    key = line.partition(" =")[0]
    assert [fault for fault in config.faults["DCIM"] if f"h.txt:6: [DCIM] {key}: " in fault]
