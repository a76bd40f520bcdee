"""Where the libraries of openDCIM are not installed, what needs them says so, and all else runs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from opendcim.extra import EXTRA
from shared.errors import ConfigError
from tests.support.instances.instance import PROJECT

WITHOUT = f"""
import sys
from importlib import import_module
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name in {EXTRA.modules!r} else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
sys.exit(import_module(sys.argv[1] + ".__main__").main(sys.argv[2:]))
"""
TOLD = (
    "this needs Python modules that are not installed (PIL, jinja2, pymysql, python_multipart); "
    "run: pip install 'openbis-sync[opendcim]'"
)
SECTION = """\
[DCIM]
kind = opendcim-repository
repository-url = https://repository.example.org
opendcim-database-url = sqlite:///dcim.db
pictures-dir = pictures
"""


def run_without(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program as if the libraries were not there."""
    (folder / "harvester-config.txt").write_text(SECTION)
    (folder / "harvester.properties").write_text("harvester-config-file = harvester-config.txt\n")
    (folder / "source.properties").write_text("catalogue = none\nopendcim-repository = true\n")
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("harvester check-config --config harvester.properties", r".*:2: \[DCIM\] kind: "),
        ("harvester opendcim --config harvester.properties init", "harvester: "),
        ("source_server serve --config source.properties", "opendcim-repository = true: "),
        ("source_server opendcim tidy --config source.properties", "source-server: "),
    ],
)
def test_what_needs_them_says_what_to_install(tmp_path: Path, command: str, place: str) -> None:
    ended = run_without(tmp_path, *command.split())
    assert ended.returncode == ConfigError.exit_code
    assert re.search(place + re.escape(TOLD), ended.stderr), ended.stderr


def test_the_command_lines_are_whole_without_them(tmp_path: Path) -> None:
    for program in ("harvester", "source_server"):
        ended = run_without(tmp_path, program, "opendcim", "--help")
        assert ended.returncode == 0, ended.stderr


def test_the_extra_of_the_package_has_these_libraries_and_no_others() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extra, always = (
        {re.split(r"[\[<>=;]", line)[0].casefold() for line in lines}
        for lines in (project["optional-dependencies"]["opendcim"], project["dependencies"])
    )
    found = packages_distributions()
    assert extra == {found[module][0].casefold() for module in EXTRA.modules}
    assert extra.isdisjoint(always)
