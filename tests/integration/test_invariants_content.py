"""What must always hold (harvester-semantics.md, 5): 8, 9, 11 and 14, and what arrives is right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.entities import Entity, FileNode
from shared.model.ids import Code, Identifier
from shared.model.kinds import NOT_FROZEN, Frozen, Kind
from tests.support.faults.faulty_source import edited, replaced
from tests.support.instances.builders import (
    a_data_set,
    a_sample,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.full_instance import DIGITS, HELLO, FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

PLATES = [Identifier("/ALPHA/PLATE-A:A01"), Identifier("/ALPHA/PLATE-B:A01")]


@pytest.mark.parametrize("prefix", ["", "DS1_"])
def test_8_two_plates_with_wells_of_the_same_code_arrive_completely(
    source: Instance, full_instance: FullInstance, either: Harvest, prefix: str
) -> None:
    on_wells = [a_data_set(60 + n, sample=plate) for n, plate in enumerate(PLATES)]
    source.load(*on_wells)
    with source.served() as url:
        either.section("DS1", url, translate_using_data_source_alias=str(bool(prefix)))
        either.init()
        either.converges()
    stored = either.instance.entities()
    for plate, well, data_set in zip(
        full_instance.plates, full_instance.wells, on_wells, strict=True
    ):
        place = f"/{prefix}ALPHA/{plate.code}:A01"
        held = either.instance.rows(
            f"SELECT identifier FROM entity WHERE perm_id = '{well.perm_id}'"  # noqa: S608
        )
        assert held == [(place,)]
        assert stored[Kind.SAMPLE, plate.perm_id].connections == plate.connections
        assert stored[Kind.DATA_SET, data_set.perm_id].sample == place


def _wrong_byte(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


CORRUPTED = {
    "a wrong byte": _wrong_byte,
    "a byte too few": lambda body: body[:-1],
    "a byte too many": lambda body: body + b"x",
    "nothing": lambda _: b"",
    "a page in HTML": lambda _: b"<html>session expired</html>",
}
WHERE = {
    "data set": "/datastore_server/20240110090000050-50/original/digits",
    "attachment": "/datastore_server/attachments/SAMPLE",
}


@pytest.mark.parametrize("how", CORRUPTED)
@pytest.mark.parametrize("what", WHERE)
def test_9_a_corrupted_download_is_detected_and_reported_and_not_registered(
    source: Instance, full_instance: FullInstance, harvest: Harvest, what: str, how: str
) -> None:
    with source.served(edited(CORRUPTED[how], WHERE[what])) as url:
        harvest.section("DS1", url)
        harvest.init()
        result = harvest.run()
    assert result.code == 7
    failed = full_instance.raw if what == "data set" else full_instance.brew
    assert f"not synchronized: {failed.kind} {failed.perm_id}: " in result.output
    stored = harvest.instance.entities()
    if what == "data set":
        assert stored.keys() == source.entities().keys() - {(Kind.DATA_SET, failed.perm_id)}
        assert not harvest.instance.store.data_set_folder(failed.code).exists()
    else:
        assert stored.keys() == source.entities().keys()
        assert stored[Kind.SAMPLE, failed.perm_id].attachments == ()
        assert stored[Kind.PROJECT, full_instance.project.perm_id].attachments != ()
    right = source.bytes_held()
    assert all(right[name] == held for name, held in harvest.instance.bytes_held().items())
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.converges()
    assert harvest.instance.bytes_held() == right


def test_9_a_changed_data_set_that_cannot_be_brought_keeps_its_old_content(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
    code = full_instance.raw.code
    files = (
        source.put_file(code, "original/run/hello.txt", HELLO),
        source.put_file(code, "original/digits + 1%.txt", b"other digits"),
    )
    source.load(replace(full_instance.raw, files=files))
    with source.served(edited(_wrong_byte, WHERE["data set"])) as url:
        either.section("DS1", url, deletion_allowed="true")
        assert either.run("--allow-deletions").code == 7
    assert either.instance.entities()[Kind.DATA_SET, code].files == full_instance.raw.files
    held = either.instance.store.data_set_folder(code) / "original/digits + 1%.txt"
    assert held.read_bytes() == DIGITS
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        assert either.run("--allow-deletions").code == 0
        either.agrees()
    assert held.read_bytes() == b"other digits"


def test_11_loss_of_the_last_attachment_is_propagated(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true", trash_retention_days="0")
        either.init()
        assert either.run().code == 0
        source.drop_attachments(full_instance.brew)
        result = either.run()
        assert result.code == 0
        assert "2 ATTACHMENT deleted" in result.output
        either.agrees()
    stored = either.instance.entities()
    assert stored[Kind.SAMPLE, full_instance.brew.perm_id].attachments == ()
    (plan,) = stored[Kind.PROJECT, full_instance.project.perm_id].attachments
    contents = {name for name in either.instance.bytes_held() if name.startswith("attachments/")}
    # what the project still has stays, although the sample had it too
    assert {name.rpartition("/")[2] for name in contents} == {v.sha256 for v in plan.versions}


def test_14_freezing_and_changing_and_deleting_converge(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    frozen, flags = full_instance.brew, full_instance.brew.frozen
    children = Frozen.FROZEN | Frozen.FOR_CHILDREN | Frozen.FOR_DATA_SETS
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        either.converges()
        assert _stored(either, frozen).frozen == flags
        changes = [
            replace(frozen, frozen=children),
            replace(frozen, frozen=NOT_FROZEN),
            # unfrozen, changed and frozen again between two runs
            replace(frozen, properties={"NOTES": "changed"}, connections=(), frozen=flags),
            replace(frozen, code=Code("NEW"), project=None, experiment=None, frozen=children),
        ]
        for changed in changes:
            source.load(changed)
            either.converges()
            assert _stored(either, frozen) == changed
        # something new below what is frozen, and a frozen one deleted
        source.load(a_sample(80, project="KITCHEN"))
        source.delete(changes[-1], full_instance.raw, full_instance.project)
        either.converges()
    assert either.instance.entities() == source.entities()


def test_14_flags_that_are_not_wanted_stay_away(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url, keep_original_frozen_flags="false")
        harvest.init()
        harvest.converges()
        assert {e.frozen for e in harvest.instance.entities().values()} == {NOT_FROZEN}
        harvest.section("DS1", url)
        harvest.converges()
    assert _stored(harvest, full_instance.brew).frozen == full_instance.brew.frozen


def _stored(harvest: Harvest, entity: Entity) -> Entity:
    return harvest.instance.entities()[entity.kind, entity.perm_id]


HOSTILE = {
    "up": "../../../../escaped",
    "up in the middle": "original/../../escaped",
    "absolute": "/tmp/escaped",  # noqa: S108 - nothing is written there, that is the test
    "backslash": "original\\..\\escaped",
    "drive": "C:escaped",
    "a file and a folder": "original/run/hello.txt/escaped",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_name_fails_its_own_data_set_only(
    source: Instance, full_instance: FullInstance, harvest: Harvest, name: str
) -> None:
    hostile = a_data_set(
        59,
        experiment=full_instance.raw.experiment,
        files=(*full_instance.raw.files, FileNode(path=HOSTILE[name], length=4, crc32=0)),
    )
    source.put_file(hostile.code, full_instance.raw.files[0].path, b"its folder is there")
    source.load(hostile)
    with source.served() as url:
        harvest.section("DS1", url, max_threads="1")
        harvest.init()
        before = set(harvest.root.parent.rglob("*escaped*"))
        result = harvest.run()
    assert result.code == 7, result.output
    assert f"not synchronized: DATA_SET {hostile.perm_id}: " in result.output
    stored = harvest.instance.entities()
    assert stored.keys() == source.entities().keys() - {(Kind.DATA_SET, hostile.perm_id)}
    assert set(harvest.root.parent.rglob("*escaped*")) == before


@pytest.mark.parametrize("code", ["../../../../../../../victim", "..", "a/b", "x" * 250])
def test_a_hostile_data_set_code_is_refused(
    source: Instance, full_instance: FullInstance, harvest: Harvest, code: str
) -> None:
    victim = harvest.root / "victim"
    victim.mkdir()
    (victim / "precious.txt").write_text("precious")
    keys = {"deletion_allowed": "true"}
    with source.served(replaced(full_instance.link.code, code)) as url:
        harvest.section("DS1", url, **keys)
        harvest.init()
        result = harvest.run()
    assert result.code == 7, result.output
    assert f"DATA_SET {code}: " in result.output
    with source.served() as url:
        harvest.section("DS1", url, **keys)
        harvest.converges()
    assert (victim / "precious.txt").read_text() == "precious"


def test_of_a_record_that_comes_twice_neither_counts(source: Instance, either: Harvest) -> None:
    attached = source.put_attachment("a.txt", b"one", b"two")
    other = source.put_attachment("b.txt", b"three")
    first = a_sample(4, attachments=(attached, other), properties={"NOTES": "first"})
    raw = a_data_set(5, sample=Identifier("/ALPHA/SAMPLE-4"))
    with_file = replace(raw, files=(source.put_file(raw.code, "original/a", b"a"),))
    source.load(some_master_data(), a_space(), an_experiment(), first, with_file)
    source.add_user()

    def doubled(body: bytes) -> bytes:
        end = b"</urlset>"
        again = [
            record.replace(b">first<", b">last<").replace(b"b.txt", b"c.txt")
            for record in body.removesuffix(end).split(b"<url>")
            if f"/{perm_id(4)}/M<".encode() in record or f"/{perm_id(5)}/M<".encode() in record
        ]
        assert len(again) == 2
        return body.replace(end, b"<url>" + b"<url>".join(again) + end)

    with source.served(edited(doubled)) as url:
        either.section("DS1", url)
        either.init()
        result = either.run()
        assert f"SAMPLE {first.perm_id}: the list has this perm id more than once" in result.output
        assert f"DATA_SET {raw.perm_id}: the list has this perm id more than once" in result.output
        assert result.code == 7
        stored = either.instance.entities()
    assert stored.keys().isdisjoint({(Kind.SAMPLE, first.perm_id), (Kind.DATA_SET, raw.perm_id)})
