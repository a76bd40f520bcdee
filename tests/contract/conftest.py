"""The store, once on each of its databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.support.instances.instance import Instance
from tests.support.openbis.examples import MADE
from tests.support.openbis.unknown_parts import OpenBis
from tests.support.servers.postgres import run


@pytest.fixture(params=["sqlite", "postgresql"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    """An empty instance."""
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_store_url") if on_postgres else None
    instance = Instance.create(tmp_path / "instance", url)
    yield instance
    instance.engine.dispose()


@pytest.fixture
def openbis(copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, tmp_path: Path) -> OpenBis:
    """Unless a test says so, openBIS has noted no sizes."""
    MADE.fill_store(tmp_path / "store")
    url = copy_openbis(MADE.database)
    run(url, "update external_data set size = null")
    return OpenBis(url, copy_openbis(MADE.path_info), tmp_path / "store", open_catalogue)
