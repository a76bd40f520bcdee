"""Meta data of entities, and times since when data are immutable, in the entries of a list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.model.entities import Entity
from shared.model.ids import Code
from shared.model.kinds import Frozen
from shared.resourcesync.items import RecordFault
from shared.resourcesync.v20.entry_reader import READER
from tests.support.instances.builders import MODIFIED, a_data_set, a_sample, a_space, an_experiment
from tests.support.instances.resource_lists import a_list, entry_of, read

SAMPLE = a_sample(code="S", type=Code("T"), properties={"NOTES": "n"})


def test_meta_data_stand_before_the_properties_sorted_by_name() -> None:
    entry = entry_of(replace(SAMPLE, meta_data={"unit": "nm", "<a> & b": 'x < "y"', "empty": ""}))
    assert (
        ' type="T"><x:metaData><x:entry key="&lt;a> &amp; b">x &lt; "y"</x:entry>'
        '<x:entry key="empty"/><x:entry key="unit">nm</x:entry></x:metaData><x:properties>'
    ) in entry


@pytest.mark.parametrize("make", [a_sample, an_experiment, a_data_set])
def test_none_and_not_known_are_two_things(make: Callable[..., Entity]) -> None:
    known, unknown = make(meta_data={}), make(meta_data=None)
    assert "><x:metaData/><" in entry_of(known)
    assert "metaData" not in entry_of(unknown)
    assert read(a_list([known, unknown]))[1:] == [known, unknown]


def test_a_kind_without_meta_data_writes_none_and_reads_none() -> None:
    assert entry_of(a_space(meta_data={"a": "b"})) == entry_of(a_space())
    spoiled = entry_of(a_space()).replace("/></url>", "><x:metaData/></x:xd></url>")
    assert read(a_list([spoiled]))[1:] == [a_space()]


def test_the_time_of_immutable_data_stands_after_the_frozen_flags() -> None:
    frozen = Frozen.FROZEN | Frozen.FOR_DATA_SETS
    sample = replace(SAMPLE, frozen=frozen, immutable_since=MODIFIED)
    assert (
        '<x:xd code="S" frozen="true" frozenForDataSets="true"'
        ' immutable-data-timestamp="2024-02-03T12:00:00Z" kind="SAMPLE" '
    ) in entry_of(sample)
    experiment = an_experiment(frozen=frozen, immutable_since=MODIFIED, modifier="otto")
    assert (
        ' kind="EXPERIMENT" frozen="true" frozenForDataSets="true"'
        ' immutable-data-timestamp="2024-02-03T12:00:00Z" modifier="otto" '
    ) in entry_of(experiment)
    assert read(a_list([sample, experiment]))[1:] == [sample, experiment]


def test_a_blank_time_is_none_and_one_that_cannot_be_read_is_a_fault() -> None:
    entry = entry_of(replace(SAMPLE, immutable_since=MODIFIED))
    (blank,) = read(a_list([entry.replace("2024-02-03T12:00:00Z", " ", 2).replace(
        "<lastmod> </lastmod>", "<lastmod>2024-02-03T12:00:00Z</lastmod>")]))[1:]  # fmt: skip
    assert blank == SAMPLE
    (fault,) = read(a_list([entry.replace('timestamp="2024-02', 'timestamp="2024-13')]))[1:]
    assert isinstance(fault, RecordFault)
    assert "immutable-data-timestamp" in fault.reason


@pytest.mark.parametrize(
    ("block", "meta_data"),
    [
        ("<x:metaData/>", {}),
        ("<x:metaData></x:metaData>", {}),
        ('<x:metaData><x:entry key="a"/></x:metaData>', {"a": ""}),
        ('<x:metaData><x:entry key=" a&#9;">\n b </x:entry></x:metaData>', {" a\t": "\n b "}),
        ('<x:metaData> <x:entry key="a" more="x">b</x:entry><x:new/></x:metaData>', {"a": "b"}),
        ('<x:metaData><x:entry key="a">b</x:entry></x:metaData><x:metaData/>', {"a": "b"}),
    ],
)
def test_meta_data_are_read_as_they_stand(block: str, meta_data: dict[str, str]) -> None:
    entry = entry_of(SAMPLE).replace("<x:properties>", f"{block}<x:properties>")
    assert read(a_list([entry]))[1:] == [replace(SAMPLE, meta_data=meta_data)]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ("<x:entry>b</x:entry>", "has no key"),
        ('<x:entry key="a">b</x:entry><x:entry key="a">b</x:entry>', "the same key"),
        ('<x:entry key="a">b</x:entry><x:entry key="&#97;"/>', "the same key"),
        ('<x:entry key="a">b<x:b/></x:entry>', "has elements in it"),
    ],
)
def test_meta_data_that_cannot_be_read_make_a_fault(entries: str, reason: str) -> None:
    block = f"<x:metaData>{entries}</x:metaData>"
    (fault,) = read(a_list([entry_of(SAMPLE).replace("<x:prop", f"{block}<x:prop", 1)]))[1:]
    assert isinstance(fault, RecordFault)
    assert fault.perm_id == SAMPLE.perm_id
    assert reason in fault.reason


@pytest.mark.parametrize("meta_data", [{}, {"a": "b & c", "d": ""}])
def test_entries_with_meta_data_need_no_parser(meta_data: dict[str, str]) -> None:
    sample = replace(SAMPLE, meta_data=meta_data, immutable_since=MODIFIED)
    assert READER.plain(entry_of(sample).encode()) == sample
