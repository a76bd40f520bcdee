"""The store, once on each of its databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LoadOpenBis, OpenCatalogue
from tests.instances import Instance
from tests.openbis_marks import OpenBis


@pytest.fixture(params=["sqlite", "postgresql"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    """An empty instance."""
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else None
    instance = Instance.create(tmp_path / "instance", url)
    yield instance
    instance.engine.dispose()


@pytest.fixture
def openbis(
    copy_openbis: LoadOpenBis, open_catalogue: OpenCatalogue, x192_store_copy: Path
) -> OpenBis:
    return OpenBis(
        copy_openbis("x192_features"),
        copy_openbis("pathinfo_x192"),
        x192_store_copy,
        open_catalogue,
    )
