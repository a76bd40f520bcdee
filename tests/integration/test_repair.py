"""What was lost or spoiled in the destination comes again: of all three kinds of files."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.faults.faulty_source import answering
from tests.support.instances.builders import perm_id
from tests.support.instances.full_instance import DIGITS, HELLO, FullInstance
from tests.support.instances.harvests import Harvest, Result
from tests.support.instances.instance import Instance

PLAN = b"second plan"
PICTURE = b"picture"


@dataclass(slots=True)
class Held:
    """The places of some files in the destination, and what is to be in them."""

    harvest: Harvest
    full_instance: FullInstance

    @property
    def digits(self) -> Path:
        folder = self.harvest.instance.store.data_set_folder(self.full_instance.raw.code)
        return folder / "original/digits + 1%.txt"

    @property
    def hello(self) -> Path:
        folder = self.harvest.instance.store.data_set_folder(self.full_instance.raw.code)
        return folder / "original/run/hello.txt"

    @property
    def plan(self) -> Path:
        version = self.full_instance.project.attachments[0].versions[1]
        return self.harvest.instance.store.attachment(version.sha256 or "")

    @property
    def picture(self) -> Path:
        return self.harvest.instance.store.service_file(self.full_instance.picture.path)

    def all_is_right(self) -> None:
        places = (self.digits, self.hello, self.plan, self.picture)
        assert [place.read_bytes() for place in places] == [DIGITS, HELLO, PLAN, PICTURE]

    def set_aside(self) -> dict[str, bytes]:
        """What lies there, by area and name."""
        folder = self.harvest.root / "store" / "set-aside"
        return {
            str(Path(*path.relative_to(folder).parts[1:])): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def held(full_instance: FullInstance, either: Harvest) -> Held:
    return Held(either, full_instance)


def gone(place: Path) -> None:
    place.unlink()


def shorter(place: Path) -> None:
    place.unlink()  # others may be links to the same
    place.write_bytes(b"short")


def other(place: Path) -> None:
    content = place.read_bytes()
    place.unlink()
    place.write_bytes(content[::-1])


def folder(place: Path) -> None:
    place.unlink()
    (place / "inside").mkdir(parents=True)
    (place / "inside" / "file").write_bytes(b"somebody's")


def link(place: Path) -> None:
    elsewhere = place.parent / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere.name)
    elsewhere.unlink()


@pytest.mark.parametrize("spoil", [gone, shorter, folder, link])
def test_a_repair_brings_again_what_an_audit_finds(
    source: Instance, held: Held, either: Harvest, spoil: object
) -> None:
    assert callable(spoil)
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        for place in (held.digits, held.plan, held.picture):
            spoil(place)
        assert either.audit().code == 9
        usual = either.run()
        assert "nothing to do" in usual.output
        result = either.command("repair")
        assert result.code == 0, result.output
        assert "1 DATA_SET updated" in result.output
        assert "1 FILE updated" in result.output
        assert "ATTACHMENT updated" in result.output
        held.all_is_right()
        either.agrees()
        again = either.command("repair")
    assert "nothing to do" in again.output


def test_other_bytes_of_the_same_length_are_found_by_reading_and_set_aside(
    source: Instance, held: Held, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        for place in (held.digits, held.plan, held.picture):
            other(place)
        assert "nothing to do" in either.command("repair").output
        rehearsed = either.command("repair", "--contents", "--dry-run")
        assert "1 DATA_SET updated" in rehearsed.output
        assert held.picture.read_bytes() == PICTURE[::-1]
        result = either.command("repair", "--contents")
        assert result.code == 0, result.output
        assert "they were not deleted, but set aside" in result.output
        held.all_is_right()
        either.agrees()
    code = held.full_instance.raw.code
    assert held.set_aside() == {
        f"DATA_SET/{code}/original/digits + 1%.txt": DIGITS[::-1],
        f"DATA_SET/{code}/original/run/hello.txt": HELLO,
        f"ATTACHMENT/{held.plan.name}": PLAN[::-1],
        f"FILE/{held.full_instance.picture.path}": PICTURE[::-1],
    }


def test_nothing_is_told_to_be_set_aside_where_nothing_lay(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    held = Held(harvest, full_instance)
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        harvest.converges()
        place = harvest.instance.store.data_set_folder(held.full_instance.raw.code)
        shutil.rmtree(place)
        result = harvest.command("repair")
        assert result.code == 0, result.output
        assert "set aside" not in result.output + harvest.log()
        assert held.set_aside() == {}
        harvest.agrees()


def test_a_folder_in_the_place_of_a_file_is_set_aside_with_what_is_in_it(
    source: Instance, held: Held, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        for place in (held.plan, held.picture):
            folder(place)
        assert either.command("repair").code == 0
        held.all_is_right()
    assert held.set_aside() == {
        f"ATTACHMENT/{held.plan.name}/inside/file": b"somebody's",
        f"FILE/{held.full_instance.picture.path}/inside/file": b"somebody's",
    }


def test_a_full_sync_looks_at_all_three_kinds(
    source: Instance, held: Held, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url, full_sync="true", full_sync_interval="0")
        either.init()
        either.converges()
        for place in (held.digits, held.plan, held.picture):
            shorter(place)
        result = either.run()
        assert result.code == 0, result.output
        held.all_is_right()
        either.agrees()


@pytest.mark.parametrize("holder", ["PROJECT", "ATTACHMENT"])
def test_lines_for_files_and_attachments_are_honoured(
    source: Instance, held: Held, either: Harvest, holder: str
) -> None:
    full_instance = held.full_instance
    file = either.root / "not-synced-entities_DS1.txt"
    lines = (
        f"FILE-{full_instance.picture.path}",
        f"{holder}-{full_instance.project.perm_id}",
        "FILE-no/such",
    )
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        for place in (held.plan, held.picture):
            other(place)
        file.write_text("\n".join(lines))
        result = either.run()
        assert result.code == 0, result.output
        assert "FILE no/such stands in the not-synced-entities-file, and there is nothing" in (
            result.output
        )
        held.all_is_right()
        either.agrees()
        assert "nothing to do" in either.run().output
    assert file.read_text() == ""


def repaired_in_vain(either: Harvest, full_instance: FullInstance) -> Result:
    result = either.command("repair")
    assert result.code == 7, result.output
    for name in (
        f"DATA_SET {full_instance.raw.code}: original/digits + 1%.txt is missing",
        f"PROJECT {full_instance.project.perm_id}: attachment plan.txt (version 2) is missing",
        f"FILE {full_instance.picture.path}: is missing",
    ):
        assert name in result.output
    return result


def test_what_the_source_does_not_list_any_more_is_said_by_item(
    source: Instance, held: Held, either: Harvest
) -> None:
    full_instance = held.full_instance
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        for place in (held.digits, held.plan, held.picture):
            gone(place)
        source.delete(
            full_instance.raw, full_instance.container, full_instance.project, full_instance.brew
        )
        source.execute("DELETE FROM service_file")
        source.store.service_file(full_instance.picture.path).unlink()
        result = repaired_in_vain(either, full_instance)
        assert result.output.count("the data source's list does not have it") >= 3
        still = either.run()  # not forgotten, and not told as done
        assert still.code == 7, still.output
    assert held.hello.read_bytes() == HELLO


def test_what_the_source_cannot_deliver_is_tried_again_until_it_comes(
    source: Instance, held: Held, either: Harvest
) -> None:
    full_instance = held.full_instance
    code = full_instance.raw.code
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
    gone(held.digits)
    with source.served(answering(404, f"/datastore_server/{code}/")) as url:
        either.section("DS1", url, retry_pauses=",")
        for command in ("repair", "run", "run"):
            result = either.command(command)
            assert result.code == 7, result.output
            assert f"DATA_SET {code}" in result.output
    with source.served() as url:
        either.section("DS1", url, retry_pauses=",")
        assert "not tried again before" in either.run().output  # its pause
        assert either.command("repair").code == 0  # which does not wait for it
        held.all_is_right()
        either.agrees()
    assert either.command("failed").output.count(perm_id(50)) == 0


def test_a_store_that_was_emptied_comes_back_whole(
    source: Instance, held: Held, either: Harvest
) -> None:
    with source.served() as url:
        either.section("DS1", url)
        either.init()
        either.converges()
        held.all_is_right()
        before = either.instance.bytes_held()
        shutil.rmtree(either.root / "store")
        shutil.rmtree(either.root / "file-service")
        refused = either.command("repair")
        assert refused.code == 2
        named = re.findall(r"create the file ([\w./-]+)", refused.output)
        markers = [Path(name) for name in named]
        assert {marker.parent.name for marker in markers} == {"store", "file-service"}
        for marker in markers:
            marker.parent.mkdir(exist_ok=True)
            marker.touch()
        result = either.command("repair")
        assert result.code == 0, result.output
        assert either.instance.bytes_held() == before
        either.agrees()
