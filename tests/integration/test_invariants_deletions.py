"""What must always hold (harvester-semantics.md, 5): 6, that only what is gone goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.entities import Entity
from shared.model.kinds import Kind
from tests.support.faults.faulty_source import answering, edited, replaced
from tests.support.instances.builders import (
    a_material,
    a_sample,
    a_service_file,
    a_space,
    perm_id,
    some_master_data,
)
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import USER, Around, Instance


def many_samples(source: Instance, number: int = 30) -> list[Entity]:
    samples = [a_sample(100 + n) for n in range(number)]
    source.load(some_master_data(), a_space(), *samples)
    source.add_user()
    return samples


def test_6_an_empty_list_deletes_nothing(source: Instance, either: Harvest) -> None:
    samples = many_samples(source, 5)
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
        source.delete(a_space(), *samples)
        result = either.run()
        assert result.code == 8
        assert "6 deletions are held back: the resource list is empty; " in result.output
        assert "'harvester release 2', or run once with --allow-deletions" in result.output
        assert len(either.instance.entities()) == 6
        assert either.run("--allow-deletions").code == 0
        assert either.instance.entities() == {}
        either.agrees()


def test_6_a_suddenly_smaller_list_deletes_nothing_but_brings_what_is_new(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
        source.delete(*samples[:16])
        source.load(a_sample(300), replace(samples[20], properties={"NOTES": "changed"}))
        result = either.run()
        assert result.code == 8
        assert "suddenly smaller than half: 16 of the 31 items" in result.output
        stored = either.instance.entities()
        assert len(stored) == 32
        assert stored[Kind.SAMPLE, samples[20].perm_id].properties == {"NOTES": "changed"}
        assert either.run().code == 8
        assert either.run("--allow-deletions").code == 0
        either.agrees()
    assert either.instance.entities() == source.entities()


TRUNCATED = {
    "half of it": edited(lambda body: body[: len(body) // 2]),
    "without its last byte": edited(lambda body: body.rstrip()[:-1]),
    "nothing at all": edited(lambda _: b""),
    "only the head": edited(lambda body: body[: body.index(b"<url>")]),
    "a page in HTML": edited(lambda _: b"<html><body>please log in</body></html>"),
    "no timestamp": replaced(" at=", " was="),
    "no master data": edited(lambda body: body.replace(b"MASTER_DATA/MASTER_DATA/M", b"X/M")),
}


@pytest.mark.parametrize("how", TRUNCATED)
def test_6_a_list_that_is_not_whole_changes_nothing(
    source: Instance, harvest: Harvest, how: str
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
    before, state = harvest.instance.content(), harvest.state()
    source.delete(*samples[:3])
    source.load(a_sample(300))
    with source.served(TRUNCATED[how]) as url:
        harvest.section("DS1", url, deletion_allowed="true")
        result = harvest.run("--allow-deletions")
    assert result.code == 5, result.output
    assert harvest.instance.content() == before
    assert harvest.state() == state
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.converges()
    assert harvest.instance.entities() == source.entities()


@pytest.mark.parametrize("status", [401, 403])
def test_6_a_source_that_refuses_changes_nothing(
    source: Instance, harvest: Harvest, status: int
) -> None:
    many_samples(source)
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
    before = harvest.instance.content()
    with source.served(answering(status)) as url:
        harvest.section("DS1", url, deletion_allowed="true")
        result = harvest.run()
    assert result.code == 4
    assert f"refuses user {USER} with status {status}" in result.output
    assert harvest.instance.content() == before


UNREADABLE: dict[str, tuple[str, str, str]] = {
    "MATERIAL": ("MATERIAL", "FLOUR (A_MATERIAL_TYPE)", ' kind="MATERIAL"'),
    "SPACE": ("SPACE", "BETA", ' code="BETA"'),
    "PROJECT": ("PROJECT", perm_id(2), ' code="KITCHEN"'),
    "EXPERIMENT": ("EXPERIMENT", perm_id(3), ' code="EXPERIMENT-3"'),
    "SAMPLE": ("SAMPLE", perm_id(45), ' code="SALT"'),
    "DATA_SET": ("DATA_SET", perm_id(53), ' dsKind="LINK"'),
}


def without_timestamp(mark: str) -> Around:
    """The record with this text in its ``x:xd`` has a registration time that nobody can read."""

    def edit(body: bytes) -> bytes:
        records = body.split(b"<url>")
        (spoiled,) = [r for r in records if b"<x:xd" in r and mark.encode() in _start(r)]
        broken = spoiled.replace(b'registration-timestamp="', b'registration-timestamp="x', 1)
        return body.replace(spoiled, broken)

    return edited(edit)


def _start(record: bytes) -> bytes:
    return record[record.index(b"<x:xd") :].partition(b">")[0]


@pytest.mark.parametrize("prefixed", ["false", "true"])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_6_a_record_that_cannot_be_read_is_not_deleted(
    source: Instance, full_instance: FullInstance, harvest: Harvest, kind: str, prefixed: str
) -> None:
    _, _, mark = UNREADABLE[kind]
    keys = {"deletion_allowed": "true", "translate_using_data_source_alias": prefixed}
    with source.served() as url:
        harvest.section("DS1", url, **keys)
        harvest.init()
        assert harvest.run().code == 0
    before = harvest.instance.entities().keys()
    with source.served(without_timestamp(mark)) as url:
        harvest.section("DS1", url, **keys)
        result = harvest.run()
    assert result.code == 7, result.output
    assert "PARTIAL: 1 items failed" in result.output
    assert harvest.instance.entities().keys() == before
    assert full_instance.everything


def test_6_a_file_that_cannot_be_read_is_not_deleted(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true")
        harvest.init()
        assert harvest.run().code == 0
    before = harvest.instance.bytes_held()
    with source.served(replaced(">cGljdHVyZQ==<", ">!!!<")) as url:
        harvest.section("DS1", url, deletion_allowed="true")
        result = harvest.run()
    assert result.code == 7, result.output
    assert f"FILE {full_instance.picture.path}" in result.output
    assert harvest.instance.bytes_held() == before


def test_6_records_without_a_name_hold_all_deletions_back(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source)
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
    source.delete(samples[0])

    def nameless(body: bytes) -> bytes:
        loc = f"/SAMPLE/{samples[1].perm_id}/M"
        return body.replace(loc.encode(), b"/").replace(b' kind="SAMPLE"', b"", 1)

    with source.served(edited(nameless)) as url:
        either.section("DS1", url, deletion_allowed="true")
        result = either.run()
    assert result.code == 7
    assert "records could not be read so far" in result.output
    assert len(either.instance.entities()) == 31


def test_deletions_wait_for_the_operator_where_they_are_not_allowed(
    source: Instance, either: Harvest
) -> None:
    samples = many_samples(source)
    source.load(a_material(), replace(samples[0], properties={"NOTES": '"openbis/file-service/a"'}))
    source.load(a_service_file("a"))
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        assert either.run().code == 0
        source.delete(*samples[:2], a_material())
        result = either.run()
        assert result.code == 0
        assert "4 items are no longer on the data source and stay here" in result.output
        assert len(either.instance.entities()) == 32
        audit = either.audit()
        assert audit.code == 9
        assert "SAMPLE 20240110090000100-100: is here, but not on the data source" in audit.output
        either.section("DS1", url, deletion_allowed="true")
        either.converges()
    assert either.instance.entities() == source.entities()
    assert either.instance.bytes_held() == {}
