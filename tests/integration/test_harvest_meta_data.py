"""Meta data and times of immutable data go from a source over HTTP into a destination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.model.entities import Entity
from shared.model.kinds import Kind
from tests.support.instances.builders import (
    a_data_set,
    a_project,
    a_sample,
    a_space,
    an_experiment,
    some_master_data,
)
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

SINCE = datetime(2026, 2, 1, 8, tzinfo=UTC)
PLACE = (some_master_data(), a_space(), a_project())
KINDS = (Kind.EXPERIMENT, Kind.SAMPLE, Kind.DATA_SET)


def described(meta_data: Mapping[str, str] | None) -> list[Entity]:
    return [
        an_experiment(3, meta_data=meta_data),
        a_sample(4, meta_data=meta_data),
        a_data_set(5, experiment="/ALPHA/KITCHEN/EXPERIMENT-3", meta_data=meta_data),
    ]


def found(harvest: Harvest) -> list[Mapping[str, str] | None]:
    entities = harvest.instance.entities()
    return [e.meta_data for (kind, _), e in sorted(entities.items()) if kind in KINDS]


def test_meta_data_arrive_stay_and_go(source: Instance, either: Harvest) -> None:
    source.add_user()
    source.load(*PLACE, *described({"unit": "nm", "note": "<&>"}))
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        assert found(either) == [{"unit": "nm", "note": "<&>"}] * 3

        source.execute("UPDATE entity SET meta_data = NULL")  # a source that does not know them
        assert "done: nothing to do" in either.run().output
        source.load(a_sample(4, description="other", meta_data=None, properties={"NOTES": "n"}))
        either.converges()
        assert found(either) == [{"unit": "nm", "note": "<&>"}] * 3

        source.load(*described({}))
        source.execute("UPDATE entity SET meta_data = '{}' WHERE kind <> 'SPACE'")
        either.converges()
    assert found(either) == [{}] * 3


@pytest.mark.parametrize("flags", ["true", "false"])
def test_times_of_immutable_data_come_with_and_without_frozen_flags(
    source: Instance, either: Harvest, flags: str
) -> None:
    sealed = [replace(e, immutable_since=SINCE) for e in described({})[:2]]
    source.add_user()
    source.load(*PLACE, *described({}))
    with source.served() as url:
        either.section("DS1", url, keep_original_frozen_flags=flags, verbose="false")
        either.init()
        either.converges()
        source.load(*sealed)
        audit = either.audit()
        run = either.run()
        assert run.code == 0, run.output
        either.agrees()
        log = either.log()
        assert "done: nothing to do" in either.run().output
        source.execute("UPDATE entity SET immutable_since = NULL")
        assert "done: nothing to do" in either.run().output
    assert audit.code == 9
    assert "since when its AFS data can no longer change is missing here" in audit.output
    assert "1 sample immutable data timestamps UPDATED" in log
    assert "1 experiment immutable data timestamps UPDATED" in log
    assert ("/-------------- Update immutable data timestamps" in log) == (flags == "false")
    entities = either.instance.entities()
    assert [entities[e.kind, e.perm_id].immutable_since for e in sealed] == [SINCE, SINCE]
