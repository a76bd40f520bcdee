"""Skipped tests are counted by reason, and what is skipped for another reason fails the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.given_data import NOT_THERE, VARIABLE, folder_of
from tests.support.instances.instance import PROJECT
from tests.support.plugins.skips import listed_reasons


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.support.plugins.skips",
        "-q",
        *arguments,
        ".",
    )
    inherited = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    return subprocess.run(
        command,
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_skipped_tests_are_counted_by_their_reason(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(3))\n"
        f"def test_it(n): n and pytest.skip({NOT_THERE!r})\n"
        "@pytest.mark.skipif(True, reason='curl is not installed')\n"
        "def test_other(): pass\n"
    )

    done = pytest_in(tmp_path)

    assert done.returncode == 0
    *_, given, curl, last = done.stdout.splitlines()
    assert given == f"skipped     2: {NOT_THERE}"
    assert curl == "skipped     1: curl is not installed"
    assert last.startswith("1 passed, 3 skipped")


@pytest.mark.parametrize(
    "content",
    [
        "import pytest\ndef test_it(): pytest.skip('it rains')\n",
        "import pytest\npytest.skip('it rains', allow_module_level=True)\n",
    ],
)
def test_a_reason_that_is_not_listed_fails_the_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "test_fine.py").write_text("def test_fine(): pass\n")
    (tmp_path / "test_some.py").write_text(content)

    done = pytest_in(tmp_path)

    assert done.returncode == 1
    assert "FAILED: 'it rains' is not listed in skips.txt; skipped were test_some.py" in done.stdout


def test_what_wanted_the_given_data_can_be_run_alone(tmp_path: Path) -> None:
    file = tmp_path / "test_some.py"
    file.write_text(
        f"import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip({NOT_THERE!r})\n"
    )
    refused = pytest_in(tmp_path, "--given-only")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no run before this one" in refused.stderr
    assert pytest_in(tmp_path).returncode == 0
    file.write_text("def test_a(): assert False\ndef test_b(): pass\n")

    done = pytest_in(tmp_path, "--given-only")

    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("1 passed, 1 deselected")


def test_every_reason_in_the_list_is_one_that_the_tests_give() -> None:
    code = "".join(
        file.read_text() for file in (PROJECT / "tests").rglob("*.py") if file != Path(__file__)
    )

    assert [reason for reason in listed_reasons() if f'"{reason}"' not in code] == []


def test_the_given_data_lie_beside_the_project_or_where_the_environment_says(
    tmp_path: Path,
) -> None:
    assert folder_of({VARIABLE: ""}) is None
    assert folder_of({VARIABLE: str(tmp_path)}) is None
    (tmp_path / "data").mkdir()
    assert folder_of({VARIABLE: str(tmp_path)}) == tmp_path
    beside = PROJECT.parent / "shared"
    assert folder_of({}) == (beside if (beside / "data").is_dir() else None)
