"""A plugin of pytest: which tests the coverage is measured in.

To be traced doubles the time of a test. Suites that mostly start processes, which are not traced
anyway, run without it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[2]
_UNTRACED = ("benchmarks", "e2e", "fuzz", "opendcim/e2e")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(_TESTS).as_posix().startswith(_UNTRACED):
            item.add_marker(pytest.mark.no_cover)
