"""Repositories to try things on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.opendcim.repository_site import (
    Repository,
    served_repository,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with served_repository(tmp_path, url) as served:
        served.add_manufacturers("HPE", "AT&T")
        yield served


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Repository]:
    """One on SQLite, for what has nothing to do with the database."""
    with served_repository(tmp_path) as served:
        served.add_manufacturers("HPE", "AT&T")
        yield served
