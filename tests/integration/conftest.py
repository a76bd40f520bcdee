"""A source instance and a harvester, for tests that run the main job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harvester.http.client import TRANSPORT
from tests.support.instances.full_instance import FullInstance, a_full_instance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Instance]:
    """An instance to be published; empty unless the test asks for the full instance."""
    instance = Instance.create(tmp_path / "source")
    yield instance
    instance.engine.dispose()


@pytest.fixture(params=["direct", "httpx"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sources are asked once by each transport that a harvester may have."""
    chosen: str = request.param
    monkeypatch.setenv(TRANSPORT, chosen)
    return chosen


@pytest.fixture
def full_instance(source: Instance) -> FullInstance:
    """The source has everything."""
    return a_full_instance(source)


@pytest.fixture
def harvest(
    tmp_path: Path, one_authority: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Harvest]:
    """A harvester whose destination is a file of SQLite."""
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    harvest = Harvest(tmp_path / "destination")
    yield harvest
    harvest.instance.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    one_authority: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Harvest]:
    """A harvester, once for each database that a destination may have."""
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_store_url") if on_postgres else None
    harvest = Harvest(tmp_path / "destination", database_url=url)
    yield harvest
    harvest.instance.engine.dispose()
