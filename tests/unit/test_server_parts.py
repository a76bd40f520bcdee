"""Parts of the source server are found by entry points; their keys stand in the server's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.entry_points import value_at
from shared.errors import ConfigError
from shared.settings.model import Settings, keys_of
from source_server.commands.parts import opened_parts
from source_server.part import GROUP, server_parts
from source_server.settings import SourceSettings, read_server_settings, read_settings
from tests.support.processes.other_package import install, run_with

PART = """
from shared.extras import Extra
from shared.settings.values import Boolean
from source_server.part import PartSettings, ServerPart

class Settings(PartSettings):
    weather: Boolean = False
    weather_station: str = ""

    @property
    def is_wanted(self) -> bool:
        return self.weather

PARTS = (
    ServerPart(
        name="weather",
        settings=Settings,
        opener="addition:opened",
        needs=Extra(name="weather", modules=("no_such_module",)),
    ),
)
"""


@pytest.mark.parametrize("number", range(len(server_parts())))
def test_each_part_can_be_opened_and_is_switched_on_by_its_name(number: int) -> None:
    part = server_parts()[number]
    assert callable(value_at(part.opener))
    assert part.name in keys_of(part.settings).values()


def test_no_key_belongs_to_two() -> None:
    models: list[type[Settings]] = [SourceSettings, *(part.settings for part in server_parts())]
    keys = [key for model in models for key in keys_of(model).values() if key != "base-dir"]
    assert len(keys) == len(set(keys))


def test_no_part_is_opened_that_is_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "s.properties").touch()
    with opened_parts(read_server_settings(tmp_path / "s.properties", {})) as parts:
        assert parts == ()


def test_a_server_without_instance_and_parts_has_nothing_to_serve(tmp_path: Path) -> None:
    file = tmp_path / "s.properties"
    file.write_text("catalogue = none\n")
    with pytest.raises(ConfigError) as refusal:
        read_settings(file, {})
    assert str(refusal.value) == (
        f"{file}: catalogue = none: then there is nothing to serve; set opendcim-repository or "
        "opendcim-connector to true"
    )


def test_a_fault_of_a_key_that_all_have_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "s.properties"
    file.write_text("base-dir = ~nobody-of-this-name/x\nopendcim-max-picture = x\nport = x\n")
    with pytest.raises(ConfigError) as refusal:
        read_settings(file, {})
    keys = [fault.replace(f"{file}:", "").split(":")[1] for fault in refusal.value.faults]
    assert sorted(keys) == [" base-dir", " opendcim-max-picture", " port"]


LACKING = (
    "weather = true: this needs Python modules that are not installed (no_such_module); run: "
    "pip install 'openbis-sync[weather]'"
)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("wether = true", "s.properties:1: wether: there is no such key; did you mean weather?"),
        ("weather = perhaps", "s.properties:1: weather: "),
        ("weather = true", LACKING),
    ],
)
def test_another_package_adds_a_part(tmp_path: Path, line: str, told: str) -> None:
    install(tmp_path, PART, group=GROUP, value="PARTS")
    (tmp_path / "s.properties").write_text(f"{line}\n")
    ended = run_with(tmp_path, "source_server", "serve", "--config", "s.properties")
    assert ended.returncode == ConfigError.exit_code
    assert told in ended.stderr
