"""The law of entries that are not read again: it makes no difference to anything but the time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.test_sync import summary
from tests.properties.worlds import World, become, worlds
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance


@pytest.fixture
def harvests(tmp_path: Path) -> Iterator[dict[str, Harvest]]:
    """By the value of ``skip-unchanged-entries``."""
    both = {value: Harvest(tmp_path / value) for value in ("true", "false")}
    for harvest in both.values():
        harvest.init()
    yield both
    for harvest in both.values():
        harvest.instance.engine.dispose()


TABLES = ("entity", "link", "data_set_file", "content_copy", "attachment", "service_file")
deletions = st.sampled_from(("true", "true", "false"))


@settings(max_examples=6, suppress_health_check=list(HealthCheck), derandomize=True)
@given(history=st.lists(worlds(), min_size=2, max_size=4), allowed=deletions)
def test_every_history_ends_in_the_same_store_and_the_same_reports(
    source: Instance,
    url: str,
    harvests: dict[str, Harvest],
    *,
    history: list[World],
    allowed: str,
) -> None:
    for value, harvest in harvests.items():
        harvest.start_anew()
        harvest.section(
            "DS1",
            url,
            deletion_allowed=allowed,
            keep_original_timestamps_and_users="true",
            keep_original_frozen_flags="true",
            skip_unchanged_entries=value,
        )
    # The same list comes twice: then nothing of it is read.
    for world in [world for world in history for _ in range(2)]:
        become(source, world)
        skipping, reading = (harvest.execute() for harvest in harvests.values())
        assert [summary(one) for one in skipping.passes] == [summary(o) for o in reading.passes]
        assert skipping.exit_code == reading.exit_code
        assert held(harvests["true"]) == held(harvests["false"])


def held(harvest: Harvest) -> tuple[object, ...]:
    """All that was harvested: rows, and the bytes of files."""
    tables = harvest.instance.tables()
    return (
        {name: tables[name] for name in TABLES},
        sorted(harvest.instance.bytes_held().values()),
    )
