"""Kinds of sections are found by entry points; a kind that lacks libraries is a fault, told with
what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester.runs.section_work import SectionWork
from harvester.settings.section_kinds import DEFAULT_KIND, GROUP, section_kinds
from shared.entry_points import announced, value_at
from shared.errors import ConfigError
from shared.extras import Extra
from tests.support.processes.other_package import install, run_with

KIND = """
from harvester.settings.section_kinds import SectionKind
from harvester.settings.section import SectionSettings
from shared.extras import Extra

class Settings(SectionSettings):
    color: str

KIND = SectionKind(
    name="addition",
    settings=Settings,
    work="addition:WORK",
    needs=Extra(name="colors", modules=("json", "no_such_module")),
)
"""


def test_the_kinds_of_the_package_are_installed() -> None:
    assert list(section_kinds()) == [DEFAULT_KIND, "opendcim-repository"]
    assert all(kind.name == name for name, kind in section_kinds().items())


@pytest.mark.parametrize("name", section_kinds())
def test_the_work_of_each_kind_can_be_loaded(name: str) -> None:
    assert isinstance(value_at(section_kinds()[name].work), SectionWork)


def test_what_is_announced_must_be_of_the_right_kind() -> None:
    with pytest.raises(ConfigError, match="the entry point openbis is no Extra"):
        announced(GROUP, Extra)


def test_an_extra_names_the_modules_that_are_missing() -> None:
    assert Extra(name="opendcim", modules=("json",)).lacking() == ""
    with pytest.raises(ConfigError) as refusal:
        Extra(name="opendcim", modules=("json", "no_such_module")).require()
    assert str(refusal.value) == (
        "this needs Python modules that are not installed (no_such_module); run: "
        "pip install 'openbis-sync[opendcim]'"
    )


def test_another_package_adds_a_kind(tmp_path: Path) -> None:
    """If a library of it is missing, only its own sections are at fault."""
    install(tmp_path, KIND, group=GROUP, value="KIND")
    (tmp_path / "harvester.properties").write_text("harvester-config-file = harvester-config.txt\n")
    (tmp_path / "harvester-config.txt").write_text(
        "[ONE]\nkind = addition\ncolor = blue\n[TWO]\nkind = additon\n"
    )
    ended = run_with(tmp_path, "harvester", "check-config", "--config", "harvester.properties")
    assert ended.returncode == ConfigError.exit_code
    assert (
        "harvester-config.txt:2: [ONE] kind: this needs Python modules that are not installed "
        "(no_such_module); run: pip install 'openbis-sync[colors]'"
    ) in ended.stderr
    assert "[TWO] kind: there is no kind 'additon'; did you mean addition?" in ended.stderr
