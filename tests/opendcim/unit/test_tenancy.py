"""openDCIM lives above both programs, and they do not know it."""

from __future__ import annotations

import subprocess
import sys

from opendcim.extra import EXTRA
from opendcim.server_parts import CONNECTOR, PARTS, REPOSITORY
from tests.support.instances.instance import PROJECT


def test_nothing_below_names_it() -> None:
    files = [
        p
        for name in ("harvester", "shared", "source_server")
        for p in (PROJECT / name).rglob("*.py")
    ]
    assert len(files) > 300
    assert [file for file in files if "opendcim" in file.read_text().casefold()] == []


def test_all_that_it_alone_needs_is_here_for_its_tests() -> None:
    assert EXTRA.lacking() == ""


def test_the_repository_is_the_first_part() -> None:
    assert PARTS == (REPOSITORY, CONNECTOR)


def test_reading_settings_loads_none_of_it_but_the_settings() -> None:
    """The libraries of the extra need not be installed where nothing of openDCIM is used."""
    script = (
        "import sys; import harvester.__main__, source_server.__main__\n"
        "for main in harvester.__main__, source_server.__main__: main._parser()\n"
        "print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    loaded = set(ended.stdout.split())
    assert {"opendcim.sync.kind", "opendcim.server_parts"} <= loaded
    assert loaded & set(EXTRA.modules) <= {"python_multipart"}  # starlette loads it if it is there
