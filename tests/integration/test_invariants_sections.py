"""What must always hold (harvester-semantics.md, 5): 7 and 13, that one does not harm another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.model.ids import Code
from shared.model.kinds import DataSetKind, Kind
from tests.support.faults.faulty_source import answering, edited, replaced
from tests.support.instances.builders import (
    a_data_set,
    a_material,
    a_project,
    a_sample,
    a_service_file,
    a_space,
    an_experiment,
    perm_id,
    some_master_data,
)
from tests.support.instances.full_instance import FullInstance, a_full_instance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.listening_programs import free_port
from tests.support.servers.mailbox import mailbox


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Instance]:
    """Another source."""
    instance = Instance.create(tmp_path / "second")
    yield instance
    instance.engine.dispose()


def test_7_copies_of_one_instance_as_two_sources_never_harm_each_other(
    source: Instance, second: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    """Everything has the same perm ids, codes and files: what came first keeps its owner."""
    a_full_instance(second)
    with source.served() as one, second.served() as two:
        either.section("ONE", one, deletion_allowed="true")
        either.section("TWO", two, deletion_allowed="true")
        either.init()
        result = either.run()
        assert result.code == 0, result.output
        assert either.audit().code == 0
        before = either.instance.content()
        # what the second changes or loses does not touch what the first brought
        second.load(replace(full_instance.shared, properties={"NOTES": "the second's"}))
        second.delete(*(e for e in full_instance.everything if e != full_instance.shared))
        assert either.run("--allow-deletions").code == 0
        assert either.instance.content() == before
        assert "SAMPLE 20240110090000045-45: differs; it belongs to section ONE" in (
            either.audit().output
        )
        # what the first loses the second still has: it becomes the second's
        source.delete(full_instance.shared)
        assert either.run().code == 0
        owner = either.instance.rows("SELECT source FROM entity WHERE code = 'SALT'")
        assert owner == [("TWO",)]


@pytest.mark.parametrize("prefixed", ["true", "false"])
def test_7_two_sources_with_things_of_the_same_names_never_overwrite_each_other(
    source: Instance, second: Instance, either: Harvest, prefixed: str
) -> None:
    for number, instance in enumerate((source, second)):
        offset = 100 * number
        instance.load(
            some_master_data(),
            a_space(),
            a_project(2 + offset),
            an_experiment(3 + offset, code="TRIAL"),
            a_sample(4 + offset, code="SALT", space=None),
            a_sample(5 + offset, properties={"NOTES": '"openbis/file-service/a.txt"'}),
            a_material(6, code="FLOUR", properties={"NOTES": f"of {number}"}),
            a_data_set(7 + offset, experiment="/ALPHA/KITCHEN/TRIAL"),
            a_service_file("a.txt", f"picture {number}".encode()),
        )
        instance.add_user()
    keys = {"deletion_allowed": "true", "translate_using_data_source_alias": prefixed}
    with source.served() as one, second.served() as two:
        either.section("ONE", one, **keys)
        either.section("TWO", two, **keys)
        either.init()
        assert either.run("--section", "ONE").code == 0
        first = either.instance.entities()
        files = either.instance.bytes_held()
        assert files == {"file-service/a.txt": b"picture 0"}
        result = either.run("--section", "TWO")
        assert result.code == 7
        assert "FILE a.txt: a file of this path with another content is here" in result.output
        stored = either.instance.entities()
        assert {key: stored[key] for key in first} == first
        assert either.instance.bytes_held() == files
        if prefixed == "true":
            assert len(stored) == 2 * len(first)
            assert {e.code for e in stored.values() if e.kind is Kind.SAMPLE and not e.space} == {
                "ONE_SALT",
                "TWO_SALT",
            }
        else:
            text = f"SALT is SAMPLE {perm_id(4)} here, which belongs to section ONE"
            assert f"not synchronized: SAMPLE {perm_id(104)}: /{text}" in result.output
            assert f"not synchronized: PROJECT {perm_id(102)}: /ALPHA/KITCHEN" in result.output
        # the second goes, the first stays
        second.execute("DELETE FROM entity")
        result = either.run("--section", "TWO", "--allow-deletions")
        assert result.code == 0, result.output
    assert either.instance.entities() == first
    assert either.instance.bytes_held() == files


def test_7_what_is_gone_stays_while_something_of_another_owner_lies_in_it(
    source: Instance, either: Harvest
) -> None:
    gone = [a_space(), a_project(2), an_experiment(3), a_sample(4)]
    source.load(some_master_data(), *gone, a_space("BETA"), a_project(8, space="BETA"))
    source.add_user()
    local = [
        a_sample(900, project="KITCHEN", experiment="/ALPHA/KITCHEN/EXPERIMENT-3"),
        a_data_set(901, sample="/ALPHA/SAMPLE-4", data_set_kind=DataSetKind.CONTAINER),
    ]
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true")
        either.init()
        assert either.run().code == 0
        either.instance.load(*local)
        source.delete(*gone)
        source.delete(a_project(8, space="BETA"))
        result = either.run()
        assert result.code == 0
        assert "no longer on the data source, but stays" in result.output
        assert "EXPERIMENT /ALPHA/KITCHEN/EXPERIMENT-3, PROJECT /ALPHA/KITCHEN, SAMPLE" in (
            result.output
        )
        assert set(either.instance.entities()) == {
            *((e.kind, e.perm_id) for e in [*gone, *local]),
            (Kind.SPACE, "BETA"),
        }
        either.instance.delete(*local)
        assert either.run("--allow-deletions").code == 0
        assert set(either.instance.entities()) == {(Kind.SPACE, "BETA")}


def test_7_a_source_never_overwrites_what_was_made_here(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    local = a_sample(900, code="SALT", space=None, properties={"NOTES": "ours"})
    here = either.root / "file-service" / full_instance.picture.path
    here.parent.mkdir(parents=True)
    here.write_bytes(b"our picture")
    with source.served() as url:
        either.section("DS1", url, deletion_allowed="true", master_data_update_allowed="true")
        either.init()
        either.instance.load(some_master_data(), local, replace(full_instance.brew, attachments=()))
        result = either.run()
        assert result.code == 7
        assert f"/SALT is SAMPLE {perm_id(900)} here, which belongs to this" in result.output
        assert f"FILE {full_instance.picture.path}: a file of this path" in result.output
    stored = either.instance.entities()
    assert stored[Kind.SAMPLE, local.perm_id] == local
    assert stored[Kind.SAMPLE, full_instance.brew.perm_id].attachments == ()
    assert (Kind.SAMPLE, full_instance.shared.perm_id) not in stored
    assert here.read_bytes() == b"our picture"
    types = {(t.kind, t.code): t for t in either.instance.master_data().entity_types}
    ours = types[Kind.SAMPLE, Code("A_SAMPLE_TYPE")]
    assert ours.validation_plugin is None  # the source's has one, but the type was made here


BAD_RECORDS = {
    "an unknown kind": replaced(' kind="EXPERIMENT"', ' kind="EXPEDITION"'),
    "an unknown property": replaced("<x:code>FLOUR<", "<x:code>FLOWER<"),
    "an unknown type": replaced(' type="A_MATERIAL_TYPE"', ' type="A_TYPE"'),
    "no code": replaced(' code="SALT"', ""),
    "an unknown kind of data set": replaced(' dsKind="LINK"', ' dsKind="LINKED"'),
    "no space": replaced(' space="BETA"', ""),
    "a path that leads out": replaced(' path="eln/a picture.png"', ' path="../escaped"'),
    "no Base64": replaced(">cGljdHVyZQ==<", ">cGljd!<"),
    "a length below zero": replaced(' length="9"', ' length="-9"'),
    "a checksum of no sort": replaced(' checksum="SHA256:', ' checksum="SHA256:x'),
}


@pytest.mark.parametrize("bad", BAD_RECORDS)
def test_13_one_bad_record_does_not_stop_the_others(
    source: Instance, full_instance: FullInstance, harvest: Harvest, bad: str
) -> None:
    with source.served(BAD_RECORDS[bad]) as url:
        harvest.section("DS1", url)
        harvest.init()
        result = harvest.run()
    assert result.code == 7, result.output
    assert "will be tried again" in result.output
    missing = source.entities().keys() - harvest.instance.entities().keys()
    assert len(missing) <= (4 if bad == "a checksum of no sort" else 1), missing
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.converges()
    assert harvest.instance.entities() == source.entities()
    assert full_instance.everything


def test_13_one_bad_section_and_a_broken_mail_server_do_not_stop_the_others(
    source: Instance, second: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    a_full_instance(second)
    either.add_properties(
        "mail.smtp.host = 127.0.0.1", f"mail.smtp.port = {free_port()}", "mail.from = a@example.org"
    )
    with source.served(edited(lambda _: b"<html/>")) as bad, second.served() as good:
        either.section("BAD", bad, email_addresses="a@example.org, b@example.org")
        either.section("WRONG", good, email_addresses="a@example.org", max_treads="3")
        either.section("GOOD", good, email_addresses="a@example.org")
        either.init()
        result = either.run()
    assert result.code == 2
    assert "[WRONG] max-treads: there is no such key; did you mean max-threads?" in result.output
    assert "[BAD] FAILED: " in result.output
    assert "[GOOD] OK: everything is done, source and destination agree" in result.output
    assert "aborted" in either.log("BAD")
    assert either.instance.entities() == second.entities()
    assert full_instance.everything


def test_13_a_section_whose_log_cannot_be_opened_does_not_stop_the_others(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("BAD", url, log_file="notes")
        harvest.section("GOOD", url)
        harvest.init()
        (harvest.root / "notes").mkdir()
        result = harvest.run()
    assert result.code == 2
    assert "[BAD] FAILED: [BAD] log-file: cannot be opened: " in result.output
    assert "[GOOD] OK" in result.output
    assert full_instance.everything


def test_13_each_failure_of_a_whole_section_is_mailed_once_to_everybody(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with mailbox() as box:
        harvest.add_properties(*box.properties)
        with source.served(answering(403)) as url:
            harvest.section("DS1", url, email_addresses="a@example.org, b@example.org")
            harvest.init()
            assert harvest.run().code == 4
        assert box.subjects == ["Synchronization (dry run) failed"] * 2
    assert full_instance.everything


def test_a_section_that_was_renamed_is_told_whose_the_items_are(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        assert harvest.run().code == 0
        del harvest.sections["DS1"]
        harvest.section("DS2", url)
        result = harvest.run()
        number = len(full_instance.everything)
        assert "belong to DS1, not to this section" in result.output, result.output
        assert f"{number} items of the list are left as they are here" in result.output
        assert "set data-source-alias = DS1" in result.output
        harvest.section("DS2", url, data_source_alias="DS1")
        assert "belong to" not in harvest.run().output
