"""Marks go over the wire: what a source says to be unknown is unknown here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from shared.model.entities import Entity, ServiceFile
from shared.model.master_data import MasterData
from shared.model.unknown import Reason
from shared.resourcesync.items import ListHead
from tests.support.faults.blind_source import (
    BlindHarvest,
    Way,
    archived_but_listed,
    of_entities,
    without_attachments,
    without_copies,
    without_file_service,
    without_files,
)
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.instances.resource_lists import a_list, read

WAYS: dict[str, Way] = {
    "not mounted": without_files(Reason.NOT_MOUNTED),
    "archived": without_files(Reason.ARCHIVED),
    "archive pending": of_entities(archived_but_listed),
    "some left out": without_files(Reason.BAD_NAME, shown=1),
    "attachments": of_entities(without_attachments),
    "copies": of_entities(without_copies),
    "file service": without_file_service,
}


def over_the_wire(way: Way) -> Way:
    """Written as a list and read again."""

    def written(items: Iterable[Any]) -> list[Any]:
        shown = way(list(items))
        (head,) = [item for item in shown if isinstance(item, ListHead)]
        rest = [i for i in shown if isinstance(i, MasterData | Entity | ServiceFile)]
        return list(read(a_list(rest, at=head.at, unknown=head.unknown)))

    return written


@pytest.mark.parametrize("way", WAYS)
def test_marks_that_were_written_and_read_keep_everything(
    source: Instance, full_instance: FullInstance, harvest: Harvest, way: str
) -> None:
    assert full_instance.everything
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
        before = harvest.instance.content()
        report = BlindHarvest(harvest).run(over_the_wire(WAYS[way]), confirmed=True)
        assert (report.changes, report.failed, report.held_back) == (0, [], 0)
        assert harvest.instance.content() == before
