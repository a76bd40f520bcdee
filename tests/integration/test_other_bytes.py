"""Other bytes of the same length, where the row and the list know the file by checksums of
different kinds, or by none: what was harvested is never replaced by them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shared.model.entities import Entity, FileNode
from tests.support.faults.blind_source import digests
from tests.support.instances.builders import a_data_set, perm_id
from tests.support.instances.full_instance import TRIAL, FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance

CODE = perm_id(70)
GOOD, OTHER = b"good content", bytes(12)
WAYS = ["none", "crc", "md5", "sha"]
CHANGES = [("none", "crc"), ("none", "sha"), ("none", "none"), ("md5", "sha"), ("crc", "sha")]


def known(file: FileNode, content: bytes, way: str) -> FileNode:
    """A list may know it so."""
    checksums = {
        "md5": f"MD5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}",
        "sha": f"SHA256:{hashlib.sha256(content).hexdigest()}",
    }
    crc32 = zlib.crc32(content) if way == "crc" else None
    return replace(file, crc32=crc32, checksum=checksums.get(way))


@dataclass(slots=True)
class Site:
    source: Instance
    harvest: Harvest

    def shows(self, content: bytes, way: str, notes: str = "") -> None:
        file = known(self.source.put_file(CODE, "original/a", content), content, way)
        more = self.source.put_file(CODE, "original/b", notes.encode())
        self.source.load(self._data_set(file, more))

    @staticmethod
    def _data_set(*files: FileNode) -> Entity:
        return a_data_set(70, experiment=TRIAL, files=files)

    @property
    def place(self) -> Path:
        return self.harvest.instance.store.data_set_file(CODE, "original/a")

    def runs(self, code: int, *words: str) -> str:
        result = self.harvest.command(*(words or ("run",)))
        assert result.code == code, result.output
        return result.output


@pytest.fixture(params=["false", "true"])
def site(
    request: pytest.FixtureRequest, source: Instance, full_instance: FullInstance, harvest: Harvest
) -> Iterator[Site]:
    assert full_instance.everything
    with source.served() as url:
        allowed = str(request.param)
        harvest.section("DS1", url, deletion_allowed=allowed, retry_pauses=",")
        harvest.init()
        yield Site(source, harvest)


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_what_was_brought_stays_where_only_its_bytes_tell_that_the_list_means_others(
    site: Site, before: str, after: str
) -> None:
    site.shows(GOOD, before)
    site.runs(0)
    held = digests(site.harvest.instance)
    site.shows(OTHER, after, notes="a new file")
    for _ in range(2):
        site.runs(7, "repair")
        assert digests(site.harvest.instance) == held
    told = site.runs(7, "repair")
    assert f"DATA_SET {CODE}: file original/a: what lies here is as it was brought" in told
    if before == "crc":
        assert "the CRC32 that was brought before is right, and SHA256:" in told
        return
    assert f"move the file {site.place} away, and run 'harvester repair'" in told
    site.place.unlink()
    site.runs(0, "repair")
    assert site.place.read_bytes() == OTHER
    site.harvest.agrees()


@pytest.mark.parametrize("before", WAYS)
@pytest.mark.parametrize("after", WAYS)
def test_the_same_bytes_may_be_known_in_any_way(site: Site, before: str, after: str) -> None:
    site.shows(GOOD, before)
    site.runs(0)
    held = digests(site.harvest.instance)
    site.shows(GOOD, after)
    site.runs(0)
    assert digests(site.harvest.instance) == held
    site.harvest.agrees()


def test_what_is_not_as_its_own_row_says_is_brought_again(site: Site) -> None:
    site.shows(GOOD, "md5")
    site.runs(0)
    site.place.write_bytes(OTHER)
    site.shows(GOOD, "sha")
    site.runs(0)
    assert site.place.read_bytes() == GOOD
    site.harvest.agrees()
