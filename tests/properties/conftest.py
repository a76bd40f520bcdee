"""No law is a matter of time: other programs on the machine must not make one fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.instances.builders import some_master_data
from tests.support.instances.instance import Instance

settings.register_profile("laws", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance with definitions and a user, which becomes one world after the other."""
    instance = Instance.create(tmp_path_factory.mktemp("source"))
    instance.load(some_master_data())
    instance.add_user()
    yield instance
    instance.engine.dispose()


@pytest.fixture(scope="module")
def url(source: Instance) -> Iterator[str]:
    with source.served() as served:
        yield served
