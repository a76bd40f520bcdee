"""The store's promises about what is on its way: nobody removes it, and nobody forgets it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from harvester.openbis.destination.arrivals import (
    ATTACHMENT,
    DATA_SET,
    FILE,
    Abandoned,
    announce,
    announce_attachments,
    announced,
    drop_abandoned,
    forget_arrivals,
    interrupted_data_sets,
    interrupted_service_files,
    keep_service_file,
    rivals,
)
from harvester.openbis.destination.file_work import StoreFiles, finish_files
from harvester.openbis.transfers.set_aside import SetAside
from shared.atomic_file import name_aside
from shared.model.entities import Entity, ServiceFile
from shared.model.kinds import DataSetKind
from shared.model.unknown import Part, Reason, Unknown
from shared.store.engine import open_store
from shared.store.incoming import Incoming
from tests.contract.passes import harvest, harvesting
from tests.support.instances.builders import a_data_set, a_sample, a_service_file
from tests.support.instances.instance import Instance

ALL = (DATA_SET, ATTACHMENT, FILE)


def announces(instance: Instance, source: str, area: str, *names: str, content: str = "") -> None:
    with instance.engine.begin() as connection:
        announce(connection, source, area, names, content)


def notes(instance: Instance, source: str = "DS1") -> set[str]:
    with instance.engine.connect() as connection:
        return set().union(*(announced(connection, source, area) for area in ALL))


def a_file(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def cleans_up(
    instance: Instance,
    *listed: Entity,
    files: tuple[ServiceFile, ...] = (),
    faults: str = "",
    marks: tuple[Unknown, ...] = (),
) -> list[Abandoned]:
    """The section's next run with a list."""
    done: list[Abandoned] = []
    effects, aside = StoreFiles(instance.store, "DS1"), SetAside.of(instance.store, "DS1")

    def abandon(one: Abandoned) -> None:
        effects.abandon(one, aside.take)
        done.append(one)

    with instance.engine.begin() as connection:
        incoming = Incoming(connection)
        for entity in listed:
            incoming.add(entity)
        for file in files:
            incoming.add_service_file(file)
        incoming.add_unknown(marks)
        for fault in filter(None, faults.split(",")):
            incoming.add_fault(*fault.split("="))
        incoming.finish()
        drop_abandoned(connection, "DS1", abandon, moved=lambda: None)
    return done


def test_what_another_section_is_bringing_is_not_removed(instance: Instance) -> None:
    folder = a_file(instance.store.data_set_folder("A") / "original/x").parent
    content = a_file(instance.store.attachment("ab" * 32))
    for area, name in ((DATA_SET, "A"), (ATTACHMENT, "ab" * 32)):
        instance.execute(f"INSERT INTO file_removal VALUES ('{area}', '{name}')")  # noqa: S608
    announces(instance, "DS2", DATA_SET, "A")
    announces(instance, "DS2", ATTACHMENT, "ab" * 32)
    with instance.engine.begin() as connection:
        finish_files(connection, "DS1", StoreFiles(instance.store))
    assert folder.is_dir()
    assert content.is_file()
    assert instance.rows("SELECT * FROM file_removal") == []


def test_what_goes_to_the_trash_stays_for_another_section_that_is_bringing_it(
    instance: Instance,
) -> None:
    home = a_file(instance.store.service_file("a.txt"))
    instance.execute("INSERT INTO deletion (id, source, deleted) VALUES (1, 'DS1', 0)")
    instance.execute("INSERT INTO file_move VALUES ('DS1', 'FILE', 'a.txt', 'TRASH', 1)")
    announces(instance, "DS2", FILE, "a.txt")
    with instance.engine.begin() as connection:
        finish_files(connection, "DS1", StoreFiles(instance.store))
    assert home.read_bytes() == b"x"
    assert instance.store.trashed_service_file(1, "a.txt").read_bytes() == b"x"


def set_aside(instance: Instance) -> set[str]:
    """What was set aside, without the names of the runs."""
    (folder,) = (instance.store.root / "set-aside").iterdir()
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_the_list_has_no_more_is_set_aside_and_what_is_half_written_is_removed(
    instance: Instance,
) -> None:
    store = instance.store
    folder = a_file(store.data_set_folder("A") / "original/x").parent
    homes = store.attachment("ab" * 32), store.service_file("a.txt")
    asides = [a_file(name_aside(a_file(home), "DS1")) for home in homes]
    for area, name in ((DATA_SET, "A"), (ATTACHMENT, "ab" * 32), (FILE, "a.txt")):
        announces(instance, "DS1", area, name)
    assert len(cleans_up(instance)) == 3
    assert not any(path.exists() for path in (folder, *homes, *asides))
    assert set_aside(instance) == {
        "DATA_SET/A/original/x",
        f"ATTACHMENT/{'ab' * 32}",
        "FILE/a.txt",
    }
    assert notes(instance) == set()
    assert cleans_up(instance) == []


def test_what_the_list_still_has_or_may_have_stays_noted(instance: Instance) -> None:
    sample = a_sample(4, attachments=(instance.put_attachment("a", b"content"),))
    sha256 = sample.attachments[0].versions[0].sha256
    harvest(instance, sample)  # its rows, without those of attachments
    announces(instance, "DS1", DATA_SET, "20240110090000005-5", "UNREADABLE")
    announces(instance, "DS1", ATTACHMENT, str(sha256))
    announces(instance, "DS1", FILE, "a.txt", "unreadable.txt")
    listed = (sample, a_data_set(5))
    faults = "DATA_SET=UNREADABLE,FILE=unreadable.txt"
    assert cleans_up(instance, *listed, files=(a_service_file("a.txt", b"x"),), faults=faults) == []
    assert len(notes(instance)) == 5
    assert instance.store.attachment(str(sha256)).is_file()


def test_what_the_source_cannot_show_now_stays_noted(instance: Instance) -> None:
    code, sha256 = "20240110090000005-5", "ab" * 32
    homes = [
        a_file(instance.store.data_set_folder(code) / "original/x"),
        a_file(instance.store.attachment(sha256)),
        a_file(instance.store.service_file("a.txt")),
    ]
    for area, name in ((DATA_SET, code), (ATTACHMENT, sha256), (FILE, "a.txt")):
        announces(instance, "DS1", area, name)
    hidden = (
        replace(
            a_data_set(5, data_set_kind=DataSetKind.CONTAINER),
            unknown=(Unknown(part=Part.FILES, reason=Reason.ARCHIVED),),
        ),
        replace(a_sample(4), unknown=(Unknown(part=Part.ATTACHMENTS, reason=Reason.UNREADABLE),)),
    )
    away = (Unknown(part=Part.FILE_SERVICE, reason=Reason.NOT_MOUNTED),)
    assert cleans_up(instance, *hidden, marks=away) == []
    assert len(notes(instance)) == 3
    unread = f"DATA_SET={code},SAMPLE=20240110090000004-4,FILE=a.txt"
    assert cleans_up(instance, faults=unread) == []
    assert all(home.is_file() for home in homes)
    assert len(cleans_up(instance)) == 3


def test_a_data_set_that_has_no_files_any_more_is_not_on_its_way(instance: Instance) -> None:
    folder = a_file(instance.store.data_set_folder("20240110090000005-5") / "x").parent
    announces(instance, "DS1", DATA_SET, "20240110090000005-5")
    cleans_up(instance, a_data_set(5, data_set_kind=DataSetKind.CONTAINER))
    assert not folder.exists()


def test_what_somebody_needs_stays_and_only_what_is_half_written_goes(instance: Instance) -> None:
    store = instance.store
    sample = a_sample(4, attachments=(instance.put_attachment("a", b"content"),))
    sha256 = str(sample.attachments[0].versions[0].sha256)
    instance.load(sample, a_service_file("a.txt", b"x"), a_data_set(5))
    folder = a_file(store.data_set_folder("20240110090000005-5") / "original/x").parent
    brought_by_another = a_file(store.attachment("cd" * 32))
    announces(instance, "DS2", ATTACHMENT, "cd" * 32)
    announces(instance, "DS1", ATTACHMENT, sha256, "cd" * 32)
    announces(instance, "DS1", FILE, "a.txt")
    announces(instance, "DS1", DATA_SET, "20240110090000005-5")
    homes = store.attachment(sha256), store.service_file("a.txt"), brought_by_another
    asides = [a_file(name_aside(home, "DS1")) for home in homes]
    foreign_aside = a_file(name_aside(brought_by_another, "DS2"))
    assert [one.needed for one in cleans_up(instance)] == [True] * 4
    assert all(path.exists() for path in (*homes, folder, foreign_aside))
    assert not any(path.exists() for path in asides)
    assert notes(instance) == set()
    assert notes(instance, "DS2") == {"cd" * 32}


def test_names_that_lead_elsewhere_are_only_forgotten(instance: Instance, tmp_path: Path) -> None:
    outside = a_file(tmp_path / "instance/outside.txt")
    announces(instance, "DS1", FILE, "../outside.txt", "/etc/hostname")
    announces(instance, "DS1", DATA_SET, "..", "a/b")
    assert len(cleans_up(instance)) == 4
    assert outside.exists()
    assert notes(instance) == set()


def test_a_whole_list_of_attachments_is_announced_at_once(instance: Instance) -> None:
    here, wanted = (instance.put_attachment(name, name.encode()) for name in ("here", "wanted"))
    instance.load(a_sample(4, attachments=(here,)), a_sample(5), a_sample(6))
    instance.execute("UPDATE entity SET source = 'DS1' WHERE code <> 'SAMPLE-6'")
    listed = (
        a_sample(4, attachments=(here, wanted)),
        a_sample(5, attachments=(wanted,)),
        a_sample(6, attachments=(instance.put_attachment("c", b"of another section"),)),
        a_sample(7, attachments=(instance.put_attachment("d", b"of a holder that is not here"),)),
    )
    with harvesting(instance, *listed) as connection:
        announce_attachments(connection, "DS1")
        announce_attachments(connection, "DS1")
    assert notes(instance) == {str(wanted.versions[0].sha256)}


def test_what_is_here_and_was_being_replaced_is_doubtful(instance: Instance) -> None:
    file, other = a_service_file("a.txt", b"x"), a_service_file("b.txt", b"y")
    instance.load(a_data_set(5), a_data_set(6), file, other)
    for table in ("entity", "service_file"):
        instance.execute(f"UPDATE {table} SET source = 'DS1'")  # noqa: S608 - our own names
    announces(instance, "DS1", DATA_SET, "20240110090000005-5", "NOT-HERE")
    announces(instance, "DS1", FILE, "a.txt", "not here", content="ab")
    assert cleans_up(instance, a_data_set(5), a_data_set(6), files=(file, other))[0].name == (
        "NOT-HERE"
    )
    with instance.engine.begin() as connection:
        incoming = Incoming(connection)
        incoming.add(a_data_set(5))
        incoming.add_service_file(file)
        incoming.finish()
        assert interrupted_data_sets(connection, "DS1") == {"20240110090000005-5"}
        assert interrupted_data_sets(connection, "DS2") == set()
        assert [row.path for row in interrupted_service_files(connection, "DS1")] == ["a.txt"]
        assert interrupted_service_files(connection, "DS2") == []


def test_others_with_a_file_of_the_same_path_are_known(instance: Instance) -> None:
    announces(instance, "DS1", FILE, "a.txt", content="aa")
    announces(instance, "DS1", FILE, "a.txt", content="ab")  # it has changed meanwhile
    announces(instance, "DS1", DATA_SET, "a.txt")
    values = {"path": "a.txt", "modified": 0, "length": 1}
    with instance.engine.begin() as connection:
        assert rivals(connection, "DS1", "a.txt") == []
        (on_its_way,) = rivals(connection, "DS2", "a.txt")
        assert (on_its_way.source, on_its_way.sha256, on_its_way.is_here) == ("DS1", "ab", False)
        keep_service_file(connection, source="DS1", sha256="ab", **values)
        keep_service_file(connection, source="DS2", sha256="cd", **values)  # too late
        forget_arrivals(connection, "DS1", FILE, ["a.txt"])
        (here,) = rivals(connection, "DS2", "a.txt")
        assert (here.source, here.sha256, here.is_here) == ("DS1", "ab", True)
        assert announced(connection, "DS1", DATA_SET) == {"a.txt"}


def test_a_store_that_lacks_the_table_gets_it_when_it_is_opened(instance: Instance) -> None:
    """Before there was one, a file on its way had a row without a checksum."""
    instance.load(a_service_file("here.txt", b"x"))
    instance.execute("INSERT INTO service_file VALUES ('claimed.txt', 'DS1', 0, 1, '')")
    with instance.engine.begin() as connection:
        connection.execute(text("DROP TABLE arrival"))
    for _ in range(2):
        open_store(instance.engine.url.render_as_string(hide_password=False)).dispose()
        assert notes(instance) == {"claimed.txt"}
        assert instance.rows("SELECT path FROM service_file") == [("here.txt",)]
