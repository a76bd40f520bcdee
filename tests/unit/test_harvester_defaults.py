"""Defaults of the harvester's settings; the commented examples in ``config/`` show them truly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harvester.openbis.section import SectionConfig
from harvester.settings.config_file import read_config
from harvester.settings.harvester import HarvesterSettings, read_settings
from shared.settings.model import Settings, keys_of
from tests.support.given_data import given
from tests.support.instances.settings_files import config_of, section_of, settings_in

EXAMPLES = Path(__file__).parents[2] / "config"


def test_defaults_are_those_of_the_manual(tmp_path: Path) -> None:
    section = section_of(tmp_path)
    assert (section.name, section.alias, section.prefix) == ("DS1", "DS1", None)
    assert not section.translate_using_data_source_alias
    assert not section.verbose
    assert not section.dry_run
    assert section.keep_original_timestamps_and_users
    assert section.keep_original_frozen_flags
    assert not section.master_data_update_allowed
    assert not section.property_unassignment_allowed
    assert not section.deletion_allowed
    assert section.data_source_auth_realm == "OAI-PMH"
    assert section.data_source_openbis_url is None
    assert section.email_addresses == ()
    assert (section.space_black_list, section.space_white_list) == ((), ())
    assert section.harvester_tmp_dir == tmp_path / "data/store/temp"
    assert section.log_file == tmp_path / "synchronization_DS1.log"
    assert section.last_sync_timestamp_file == tmp_path / "last-sync-timestamp-file_DS1.txt"
    assert section.not_synced_entities_file == tmp_path / "not-synced-entities_DS1.txt"
    assert section.file_service_repository_path == tmp_path / "data/file-service"


def test_defaults_of_undocumented_keys_are_those_of_the_original(tmp_path: Path) -> None:
    section = section_of(tmp_path)
    assert not section.full_sync
    assert section.full_sync_interval == 14
    assert section.whished_number_of_streams is None
    assert (section.machine_load, section.max_threads) == (0.5, 10)
    assert section.retries_on_failure == 0
    assert not section.stop_on_first_failure
    assert section.timeout == 600


def test_the_example_of_the_manual_works_once_it_is_filled_in(tmp_path: Path) -> None:
    manual = given("manuals/003_0b2cefaaf2bec2e5.txt")
    example = re.search(r"^\[DS1\] .*#dry-run = true$", manual.read_text(), re.MULTILINE)
    assert example
    text = re.sub(r" (?=#?[a-z-]+ = )", "\n", example[0])  # its lines have been joined
    fillings = {
        "data source host": "source.example.org",
        "DSS port": "8444",
        "AS port": "8443",
        "data source user id": "mira",
        "data source password": "secret",
        "harvester user id": "otto",
        "harvester user password": "other",
        "e-mail 1": "one@example.org",
        "e-mail 2": "two@example.org",
    }
    assert len(config_of(tmp_path, text).faults["DS1"]) == 8
    for placeholder, filling in fillings.items():
        text = text.replace(f"<{placeholder}>", filling)
    config = config_of(tmp_path, text)
    assert config.faults == {}
    assert config.warnings == ()
    section = config.of_kind(SectionConfig)[0]
    assert section.email_addresses == ("one@example.org", "two@example.org")
    assert (section.space_black_list, section.space_white_list) == (("SYSTEM",), ("ABC_.*",))
    assert section.data_source_openbis_url == "https://source.example.org:8443/openbis/openbis"
    assert section.prefix == "DS1_"
    assert section.verbose
    assert not section.dry_run
    assert not section.keep_original_timestamps_and_users
    state = (tmp_path / "../../data/last-sync-timestamp-file_HRVSTR.txt").resolve()
    assert section.last_sync_timestamp_file == state
    assert section.log_file == tmp_path / "log/synchronization.log"


def filled_in(example: str) -> str:
    text = (EXAMPLES / example).read_text()
    fillings = {"data source host": "h", "DSS port": "8444", "AS port": "8443"}
    for placeholder, filling in fillings.items():
        text = text.replace(f"<{placeholder}>", filling)
    return re.sub(r"^([a-z-]+ = )<.*>$", r"\1somebody", text, flags=re.MULTILINE)


def uncommented(text: str) -> str:
    """Roots stay: a section must not have none."""
    return re.sub(r"^#(?!exportable-perm-ids)(?=[a-z.-]+ =)", "", text, flags=re.MULTILINE)


def keys_in(example: str) -> list[str]:
    return re.findall(r"^#?([a-z.-]+) =", (EXAMPLES / example).read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("example", "model", "hidden"),
    [
        ("harvester.properties", HarvesterSettings, set()),
        ("harvester-config.txt", SectionConfig, {"name"}),
    ],
)
def test_an_example_shows_every_key_once(
    example: str, model: type[Settings], hidden: set[str]
) -> None:
    assert sorted(keys_in(example)) == sorted(set(keys_of(model).values()) - hidden)


def test_the_example_of_a_config_file_shows_the_defaults(tmp_path: Path) -> None:
    text = filled_in("harvester-config.txt")
    assert uncommented(text).count("\n#") < text.count("\n#")
    defaults = config_of(tmp_path, text)
    shown = config_of(tmp_path, uncommented(text))
    assert (defaults.faults, shown.faults, defaults.warnings, shown.warnings) == ({}, {}, (), ())
    assert shown.sections == defaults.sections


def test_the_example_of_the_properties_shows_the_defaults(tmp_path: Path) -> None:
    text = filled_in("harvester.properties")
    assert settings_in(tmp_path, uncommented(text)) == settings_in(tmp_path, text)


def test_the_examples_name_each_other() -> None:
    settings = read_settings(EXAMPLES / "harvester.properties", {})
    assert settings.harvester_config_file == EXAMPLES / "harvester-config.txt"
    faults = read_config(settings.harvester_config_file, settings).faults
    assert len(faults["DS1"]) == 6
    assert all("fill in" in fault for fault in faults["DS1"])
