"""Settings files of the harvester, written for a test."""

from __future__ import annotations

from pathlib import Path

from harvester.openbis.section import SectionConfig
from harvester.settings.config_file import ConfigFile, read_config
from harvester.settings.harvester import HarvesterSettings, read_settings

# All that a section must have.
MANDATORY = """\
resource-list-url = https://source.example.org:8444/datastore_server/re-sync
data-source-dss-url = https://source.example.org:8444/datastore_server
data-source-auth-user = mira
data-source-auth-pass = s=e%c#r et
harvester-user = otto
harvester-pass = other
"""


def write_private(file: Path, text: str | bytes) -> None:
    """As operators keep a file with passwords: nobody else may read it."""
    file.touch()
    file.chmod(0o600)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


def settings_in(folder: Path, text: str = "harvester-config-file = h.txt") -> HarvesterSettings:
    file = folder / "harvester.properties"
    file.write_text(text)
    return read_settings(file, {})


def config_of(folder: Path, text: str | bytes) -> ConfigFile:
    file = folder / "h.txt"
    write_private(file, text)
    return read_config(file, settings_in(folder))


def section_of(folder: Path, *lines: str) -> SectionConfig:
    """The only section, which must have no fault."""
    config = config_of(folder, "\n".join(["[DS1]", MANDATORY, *lines]))
    assert config.faults == {}
    return config.of_kind(SectionConfig)[0]


def faults_of(folder: Path, *lines: str) -> list[str]:
    """The faults of the only section, from the key on."""
    config = config_of(folder, "\n".join(["[DS1]", MANDATORY, *lines]))
    assert config.sections == ()
    return [fault.partition("[DS1] ")[2] for fault in config.faults["DS1"]]
