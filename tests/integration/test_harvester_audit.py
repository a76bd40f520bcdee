"""What an audit finds, and that it is in nobody's way."""

from __future__ import annotations

from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance


def test_an_audit_finds_what_was_spoiled_in_the_destination(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        harvest.converges()
        held = harvest.instance.store
        raw = held.data_set_folder(full_instance.raw.code)
        (raw / "original/run/hello.txt").write_bytes(b"hello_world")
        (raw / "original/digits + 1%.txt").unlink()
        (plan,) = full_instance.project.attachments
        held.attachment(plan.versions[0].sha256 or "").write_bytes(b"short")
        held.service_file(full_instance.picture.path).unlink()
        child = full_instance.child.perm_id
        harvest.instance.execute(f"UPDATE entity SET modifier = 'x' WHERE perm_id = '{child}'")  # noqa: S608
        harvest.instance.execute("UPDATE entity SET frozen = 0 WHERE code = 'ALPHA'")
        harvest.instance.execute("DELETE FROM master_data WHERE kind = 'PLUGIN' AND code = 'age'")
        result = harvest.audit()
        quick = harvest.command("audit")
    assert result.code == quick.code == 9
    for text in (
        "PLUGIN age: is missing here",
        f"SAMPLE {child}: timestamps or users differ",
        "SPACE ALPHA: frozen flags differ",
        f"PROJECT {full_instance.project.perm_id}: attachment plan.txt (version 1) has 5 bytes",
        f"FILE {full_instance.picture.path}: is missing in the data store",
        f"DATA_SET {full_instance.raw.perm_id}: file original/digits + 1%.txt is missing",
        f"DATA_SET {full_instance.raw.perm_id}: file original/run/hello.txt has another checksum",
    ):
        assert text in result.output
    assert "8 differences" in result.output
    assert "7 differences" in quick.output  # a checksum is found by reading only


def test_an_audit_does_not_wait_for_a_harvest_that_is_writing(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        with either.instance.engine.connect() as writer, writer.begin():
            writer.exec_driver_sql("UPDATE entity SET frozen = 1")
            either.agrees()
    assert full_instance.everything


def test_what_the_rules_or_the_operator_want_so_is_no_difference(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        ignored = f"#DATA_SET-{full_instance.raw.perm_id}\n"
        (harvest.root / "not-synced-entities_DS1.txt").write_text(ignored)
        harvest.converges()
        source.execute("DELETE FROM master_data WHERE kind = 'TERM' AND code = 'OUR_OWN'")
        result = harvest.audit()
    assert result.code == 0
    assert "note: TERM $STORAGE_FORMAT OUR_OWN: is here, but not on the data source" in (
        result.output
    )
    assert "[DS1] 0 differences" in result.output
