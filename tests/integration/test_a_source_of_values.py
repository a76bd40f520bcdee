"""Step 1 takes items, whatever they come from: a list of values is a source like any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harvester.openbis.reading import read_metadata
from harvester.openbis.source.items import BegunAnewError, SourceItem
from shared.errors import FormatError
from shared.resourcesync.items import ListHead, RecordFault
from shared.store.changes import Action, compare, planned
from tests.support.instances.builders import a_sample, a_space, some_master_data
from tests.support.instances.instance import Instance

AT = datetime(2026, 5, 1, tzinfo=UTC)
HEAD = ListHead(at=AT)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    instance = Instance.create(tmp_path)
    yield instance
    instance.engine.dispose()


class BeginsAnew:
    """A source that breaks off after some items, and then begins again with others."""

    def __init__(self, *tries: list[SourceItem]) -> None:
        self._tries = list(tries)

    def __iter__(self) -> Iterator[SourceItem]:
        yield from self._tries.pop(0)
        if self._tries:
            raise BegunAnewError


def test_values_fill_the_incoming_tables(instance: Instance) -> None:
    fault = RecordFault(kind="SAMPLE", perm_id="9-9", reason="cannot be read")
    items: list[SourceItem] = [HEAD, some_master_data(), a_space(), a_sample(1), fault]
    with instance.engine.connect() as connection:
        metadata = read_metadata(items, connection, "DS1_")
        with connection.begin():
            compare(connection, "DS1")
            new = [one.identifier for one in planned(connection, Action.NEW)]
    assert (metadata.at, metadata.entities) == (AT, 2)
    assert [str(one) for one in metadata.faults] == ["SAMPLE 9-9: cannot be read"]
    assert "/DS1_ALPHA" in new


def test_definitions_may_come_after_what_they_define(instance: Instance) -> None:
    with instance.engine.connect() as connection:
        items: list[SourceItem] = [HEAD, a_space(), a_sample(1), some_master_data()]
        assert read_metadata(items, connection, "DS1_").entities == 2


def test_what_came_before_a_source_began_anew_does_not_count(instance: Instance) -> None:
    before: list[SourceItem] = [HEAD, some_master_data(), a_space("GONE")]
    after: list[SourceItem] = [HEAD, some_master_data(), a_space("HERE")]
    with instance.engine.connect() as connection:
        metadata = read_metadata(BeginsAnew(before, after), connection, None)
        with connection.begin():
            compare(connection, "DS1")
            assert [one.identifier for one in planned(connection, Action.NEW)] == ["/HERE"]
    assert metadata.entities == 1


@pytest.mark.parametrize("items", [[], [HEAD], [some_master_data()], [HEAD, a_space()]])
def test_items_without_a_state_or_definitions_are_not_whole(
    instance: Instance, items: list[SourceItem]
) -> None:
    with instance.engine.connect() as connection, pytest.raises(FormatError, match="master data"):
        read_metadata(items, connection, None)
