"""``scripts/tests_of.py`` names the tests of a module, by what they import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.instances.instance import PROJECT

FILES = {
    "shared/engine.py": "import json\n",
    "shared/trash.py": "from shared.engine import open\nQUERIES = 'queries.sql'\n",
    "shared/queries.sql": "-- none\n",
    "shared/deep.py": "",
    "shared/deeper.py": "from shared.deep import something\n",
    "shared/nobody.py": "",
    "tests/helper.py": "def help():\n    from shared import trash\n",
    "tests/conftest.py": (
        "from shared import engine\n"
        "from tests.helper import help\n"
        "def opened():\n    return engine.open()\n"
        "def filled(opened):\n    return opened\n"
        "def other():\n    return help()\n"
    ),
    "tests/unit/test_engine_speed.py": "",
    "tests/unit/test_direct.py": "import shared.engine\n",
    "tests/unit/test_helped.py": "from tests import helper\n",
    "tests/unit/test_fixture.py": "def test_it(filled): pass\n",
    "tests/unit/test_other_fixture.py": "def test_it(other): pass\n",
    "tests/unit/test_far.py": "from shared.deeper import something\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def asked(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "scripts" / "tests_of.py"), "--root", str(project)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def told(project: Path, module: str) -> dict[str, str]:
    """Why each test is one of the module."""
    lines = asked(project, module).stdout.splitlines()
    return {
        name.removeprefix("tests/unit/"): why for name, why in (x.split("  ", 1) for x in lines)
    }


def test_the_tests_of_a_module_have_its_name_or_import_it(project: Path) -> None:
    found = {name: why.strip() for name, why in told(project, "shared/engine.py").items()}
    assert found == {
        "test_engine_speed.py": "has its name",
        "test_direct.py": "imports it",
        "test_fixture.py": "imports it",
    }


@pytest.mark.parametrize("path", ["shared/trash.py", "shared/queries.sql"])
def test_helpers_and_fixtures_import_for_a_test(project: Path, path: str) -> None:
    found = {name: why.strip() for name, why in told(project, path).items()}
    assert found == {
        "test_helped.py": "through tests/helper.py",
        "test_other_fixture.py": "through tests/helper.py",
    }


def test_if_none_is_near_the_nearest_are_named(project: Path) -> None:
    done = asked(project, "--names", "shared/deep.py")
    assert done.stdout == "tests/unit/test_far.py\n"


def test_a_module_without_tests_and_one_that_is_not_there(project: Path) -> None:
    assert asked(project, "shared/nobody.py").returncode == 1
    missing = asked(project, "shared/engin.py")
    assert missing.returncode == 2
    assert "shared/engin.py: there is no such file" in missing.stderr
