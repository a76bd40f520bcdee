"""The store's promises about the trash: what goes in, and what goes for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from harvester.openbis.destination.restoring import Wish, marked
from harvester.openbis.destination.trash import PARTS, deletions, discard, expired, items, purge
from shared.store.changes import compare
from shared.store.engine import rehearsal
from shared.store.incoming import Incoming
from tests.contract.passes import harvesting
from tests.contract.trash_passes import NOW, deletes, finish, harvested_kitchen, restores
from tests.support.instances.files_and_rows import in_trash, mismatches
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.instance import Instance


@pytest.fixture
def full_instance(instance: Instance) -> FullInstance:
    return harvested_kitchen(instance)


def trash_is_empty(connection: Connection) -> bool:
    return not any(connection.execute(part.trashed.select()).first() for part in PARTS)


def test_what_goes_to_the_trash_comes_back_as_it_was(
    instance: Instance, full_instance: FullInstance
) -> None:
    before, contents = instance.tables(), instance.bytes_held()
    number = deletes(instance)
    assert instance.entities() == {}
    assert instance.bytes_held() == {}
    assert mismatches(instance) == []
    restoration = restores(instance, Wish(deletion=number))
    assert (restoration.refusals, restoration.unknown, restoration.left) == ((), (), ())
    assert sum(restoration.counts.values()) == len(full_instance.everything) + 1
    assert instance.tables() == before
    assert instance.bytes_held() == contents
    assert mismatches(instance) == []
    with instance.engine.connect() as connection:
        assert trash_is_empty(connection)
        assert deletions(connection) == []
        assert len(marked(connection)) == len(full_instance.everything) + 1
    assert not instance.store.trash(number).exists()


def test_a_deletion_is_listed_with_what_it_has(
    instance: Instance, full_instance: FullInstance
) -> None:
    number = deletes(
        instance, *(e for e in full_instance.everything if e is not full_instance.of_well)
    )
    with instance.engine.connect() as connection:
        (found,) = deletions(connection)
        assert (found.number, found.source, found.deleted) == (number, "DS1", NOW)
        assert (found.section, found.run) == ("DS1", None)  # nobody knows that run any more
        assert found.counts == {"DATA_SET": 1, "FILE": 1}
        assert found.bytes == full_instance.of_well.files[0].length + len(b"picture")
        assert deletions(connection, "DS2") == []
        assert [(i.kind, i.perm_id) for i in items(connection, number)] == [
            ("DATA_SET", full_instance.of_well.code),
            ("FILE", full_instance.picture.path),
        ]
    assert set(in_trash(instance)) == {
        f"{number}/{full_instance.of_well.code}/original/big.bin",
        f"{number}/files/{full_instance.picture.path}",
    }


def test_a_rehearsed_deletion_leaves_nothing_behind(
    instance: Instance, full_instance: FullInstance
) -> None:
    before = instance.tables()
    with harvesting(instance):
        pass
    with instance.engine.connect() as connection:
        with connection.begin():
            Incoming(connection).finish()
        with rehearsal(connection) as transaction, transaction():
            compare(connection, "DS1")
            discard(connection, "DS1", 1, NOW)
            assert connection.exec_driver_sql("SELECT count(*) FROM entity").scalar() == 0
        assert trash_is_empty(connection)
    assert instance.tables() == before
    assert full_instance.everything


def test_an_attachment_stays_as_long_as_anything_needs_its_content(
    instance: Instance, full_instance: FullInstance
) -> None:
    first = full_instance.project.attachments[0].versions[0]  # the brew has the same
    place = instance.store.attachment(str(first.sha256))
    others = [e for e in full_instance.everything if e is not full_instance.project]
    without_project = deletes(instance, *others)
    deletes(instance, *(e for e in others if e is not full_instance.brew))
    assert place.exists()
    with instance.engine.begin() as connection:
        purge(connection, [without_project])
    finish(instance)
    assert place.exists()
    assert mismatches(instance) == []
    with instance.engine.begin() as connection:
        purge(connection, expired(connection, NOW + timedelta(seconds=1)))
    finish(instance)
    assert not place.exists()
    assert mismatches(instance) == []


def test_a_purged_deletion_is_gone_with_its_files(
    instance: Instance, full_instance: FullInstance
) -> None:
    number = deletes(instance)
    with instance.engine.begin() as connection:
        assert expired(connection, NOW) == []
        assert expired(connection, NOW + timedelta(seconds=1), "DS2") == []
        assert expired(connection, NOW + timedelta(seconds=1), "DS1") == [number]
        purge(connection, [number])
        assert trash_is_empty(connection)
        assert deletions(connection) == []
    finish(instance)
    assert in_trash(instance) == {}
    assert mismatches(instance) == []
    assert instance.rows("SELECT * FROM file_removal") == []
    assert full_instance.everything


def test_a_folder_of_the_trash_that_no_row_knows_is_removed_only_without_files(
    instance: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    stray = instance.store.trash(78) / "A" / "b"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    (instance.store.trash(77) / "A").mkdir(parents=True)
    kept = instance.store.root / "trash" / "not ours"
    kept.mkdir()
    finish(instance)
    assert not instance.store.trash(77).exists()
    assert stray.read_bytes() == b"x"
    assert f"{instance.store.trash(78)}: the database does not know this folder" in caplog.text
    assert kept.exists()


def test_a_data_set_can_have_the_name_of_the_folder_of_files(instance: Instance) -> None:
    store = instance.store
    assert store.trashed_data_set(1, "files") != store.trashed_service_file(1, "x").parent
    names = {store.trashed_data_set(1, code).name for code in ("files", "files~", "FILES", "A~")}
    assert names == {"files~", "files~~", "FILES", "A~"}
