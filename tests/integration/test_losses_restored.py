"""What an update takes away, once it was let through, lies in the trash and can be had back."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from shared.model.kinds import Kind
from tests.support.faults.blind_source import digests
from tests.support.instances.builders import a_service_file
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.instances.intact import runs_of
from tests.support.worlds.losing_source import deletion_numbers, first_run
from tests.support.worlds.passing_days import disorder

DIGITS, HELLO = "original/digits + 1%.txt", "original/run/hello.txt"
TASTE, PICTURE = "taste & smell.txt", "eln/a picture.png"


def spoil(source: Instance, full_instance: FullInstance) -> None:
    """One file of two is gone, the other one is another one; an attachment is gone, another one
    and the picture have other contents."""
    raw = full_instance.raw
    files = (source.put_file(raw.code, DIGITS, b"other bytes"),)
    source.load(replace(raw, files=files))
    source.drop_attachments(full_instance.brew)
    attachments = (source.put_attachment(TASTE, b"sweet"),)
    source.load(replace(full_instance.brew, attachments=attachments))
    source.load(a_service_file(PICTURE, b"another picture"))


def mend(source: Instance, full_instance: FullInstance) -> None:
    source.put_file(full_instance.raw.code, DIGITS, b"123456789")
    source.drop_attachments(full_instance.brew)
    source.load(full_instance.raw, full_instance.brew, full_instance.picture)


def has(harvest: Harvest, *, old: bool) -> bool:
    """Whether the contents are those of before."""
    held = harvest.instance.bytes_held()
    brew = [e for (kind, _), e in harvest.instance.entities().items() if kind is Kind.SAMPLE]
    names = {a.file_name for e in brew for a in e.attachments}
    code = "20240110090000050-50"
    found = (
        held[f"{code}/{DIGITS}"] == b"123456789",
        f"{code}/{HELLO}" in held,
        names == {"plan.txt", TASTE},
        b"sour" in held.values(),
        held[f"file-service/{PICTURE}"] == b"picture",
    )
    assert found == (old,) * 5, found
    return True


def test_what_was_taken_away_comes_back_and_stays(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    with source.served() as url:
        first_run(either, url, max_deletions="0")
        before = digests(either.instance)
        spoil(source, full_instance)
        result = either.run()
        assert result.code == 8, result.output
        assert "3 losses of contents wait for confirmation" in result.output
        assert digests(either.instance) == before
        assert has(either, old=True)
        audit = either.audit()
        assert audit.code == 9
        assert f"file {HELLO} was brought, and is not listed any more" in audit.output
        assert f"file {DIGITS} is listed with another content than it was brought" in audit.output
        assert "attachment plan.txt (version 2) was brought, and is not" in audit.output
        (held, *_) = runs_of(either)
        released = either.command("release", str(held["run"]))
        assert released.code == 0, released.output
        result = either.run()
        assert result.code == 0, result.output
        assert has(either, old=False)
        assert list(disorder(either.instance)) == []
        assert set(before.values()) <= set(digests(either.instance).values())
        either.agrees()
        (number,) = deletion_numbers(either)
        result = either.command("trash", "restore", str(number))
        assert result.code == 0, result.output
        assert "1 DATA_SET_CONTENT restored" in result.output
        assert "'harvester release' ends that" in result.output
        assert has(either, old=True)
        assert list(disorder(either.instance)) == []
        newer = {b"other bytes", b"another picture"}
        trash = either.instance.store.root / "trash"
        assert newer <= {path.read_bytes() for path in trash.rglob("*") if path.is_file()}
        for _ in range(2):
            result = either.run()
            assert result.code == 8, result.output
            assert has(either, old=True)
        mend(source, full_instance)
        result = either.run()
        assert result.code == 0, result.output
        either.agrees()
        assert has(either, old=True)


def test_a_former_content_comes_back_to_another_file_system(
    source: Instance, full_instance: FullInstance, harvest: Harvest, tmp_path: Path
) -> None:
    """The file of the file service is there, with what it has now; there is no renaming."""
    elsewhere = Path("/dev/shm") / f"openbis-sync-{os.getpid()}-{tmp_path.name}"  # noqa: S108
    if not elsewhere.parent.is_dir() or elsewhere.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system")
    try:
        elsewhere.mkdir()
        harvest.root.joinpath("file-service").symlink_to(elsewhere)
        with source.served() as url:
            first_run(harvest, url)
            spoil(source, full_instance)
            result = harvest.run("--allow-deletions")
            assert result.code == 0, result.output
            assert has(harvest, old=False)
            (number,) = deletion_numbers(harvest)
            result = harvest.command("trash", "restore", str(number))
            assert result.code == 0, result.output
            assert has(harvest, old=True)
            assert list(disorder(harvest.instance)) == []
    finally:
        shutil.rmtree(elsewhere)


def test_what_is_merged_leaves_nothing_else_in_the_data_set(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    """A file that did not change is the same in both places, linked."""
    with source.served() as url:
        first_run(harvest, url)
        folder = harvest.instance.store.data_set_folder(full_instance.raw.code)
        before = {str(path.relative_to(folder)) for path in folder.rglob("*")}
        files = tuple(file for file in full_instance.raw.files if file.path != HELLO)
        source.load(replace(full_instance.raw, files=files))
        assert harvest.run("--allow-deletions").code == 0
        (number,) = deletion_numbers(harvest)
        assert harvest.command("trash", "restore", str(number)).code == 0
        assert {str(path.relative_to(folder)) for path in folder.rglob("*")} == before


def test_where_deletions_are_forbidden_what_is_in_the_trash_stays_there(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    with source.served() as url:
        first_run(harvest, url)
        source.delete(full_instance.link)
        assert harvest.run().code == 0
        (number,) = deletion_numbers(harvest)
        harvest.instance.execute("UPDATE deletion SET deleted = 0")
        harvest.section("DS1", url, deletion_allowed="false")
        assert harvest.run().code == 0
        assert deletion_numbers(harvest) == [number]
        harvest.section("DS1", url, deletion_allowed="true")
        assert harvest.run().code == 0
        assert deletion_numbers(harvest) == []


def test_a_chain_of_three_passes_no_loss_on(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    last = Harvest(harvest.root.parent / "last")
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        assert harvest.run().code == 0
        harvest.instance.add_user()
        with harvest.instance.served() as middle:
            last.section("DS1", middle)
            last.init()
            assert last.run().code == 0
            before = digests(last.instance)
            raw, of_well = full_instance.raw, full_instance.of_well
            source.load(replace(raw, files=()), replace(of_well, files=()))
            source.drop_attachments(full_instance.brew)
            source.load(replace(full_instance.brew, attachments=()))
            for one in (harvest, last):
                result = one.run()
                assert result.code == 0, result.output
            assert digests(last.instance) == before
            last.agrees()
    last.instance.engine.dispose()
