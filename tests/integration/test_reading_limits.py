"""Records beyond a limit, up to the incoming tables; settings with characters that none has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harvester.openbis.reading import read_metadata
from harvester.openbis.source.resource_list import ResourceList
from harvester.openbis.sync_run import Metadata
from harvester.openbis.transfers.transfers import WantedDataSet, check_files
from shared.errors import ConfigError, FormatError, ItemError
from shared.model.entities import Entity, ServiceFile
from shared.model.limits import PATH_BYTES, PERM_ID_BYTES, REASON_BYTES
from shared.model.master_data import MasterData
from shared.properties_file import read_properties, read_text
from tests.support.instances.builders import (
    a_data_set,
    a_sample,
    a_service_file,
    a_space,
    some_master_data,
)
from tests.support.instances.instance import Instance, a_file
from tests.support.instances.resource_lists import AT, a_list


class Whole:
    def __init__(self, document: bytes) -> None:
        self._document = document

    def blocks(self) -> Iterator[bytes]:
        yield self._document


def metadata(
    folder: Path, *items: MasterData | Entity | ServiceFile, at: datetime = AT, prefix: str = ""
) -> Metadata:
    instance = Instance.create(folder)
    document = a_list([some_master_data(), *items], at)
    with instance.engine.connect() as connection:
        read = read_metadata(ResourceList([Whole(document)]), connection, prefix or None)
    instance.engine.dispose()
    return read


def test_each_record_beyond_a_limit_is_a_fault_and_the_rest_is_read(tmp_path: Path) -> None:
    picture = replace(a_service_file("a.png", b"x"), path="a/" * 2_000 + "b")
    read = metadata(
        tmp_path,
        a_sample(1, perm_id="9" * 5_000),
        a_sample(2, perm_id="9" * 5_001),
        a_data_set(3, files=(replace(a_file("a", b""), length=2**63),)),
        picture,
        a_space("A/B"),
        a_sample(4),
    )
    assert read.entities == 1
    assert sorted(fault.kind for fault in read.faults) == [
        *("DATA_SET", "FILE", "SAMPLE", "SAMPLE", "SPACE")
    ]
    assert len({(fault.kind, fault.perm_id) for fault in read.faults}) == 5
    assert all(len(fault.perm_id.encode()) <= PATH_BYTES for fault in read.faults)
    assert all(len(fault.reason.encode()) <= REASON_BYTES for fault in read.faults)


def test_a_code_that_is_too_long_here_only_is_a_fault_too(tmp_path: Path) -> None:
    space = a_space("S" * 499)
    assert metadata(tmp_path, space).faults == ()
    (fault,) = metadata(tmp_path, space, prefix="DS1_").faults
    assert "the code has 503 bytes" in fault.reason
    assert len(fault.perm_id) < PERM_ID_BYTES


@pytest.mark.parametrize("year", [1, 1969])
def test_a_list_that_was_made_before_1970_is_none(tmp_path: Path, year: int) -> None:
    with pytest.raises(FormatError, match=f"made at {year:04}-03-05.* set the clock"):
        metadata(tmp_path, a_space(), at=AT.replace(year=year))


def test_a_list_that_was_made_in_1970_is_one(tmp_path: Path) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC)
    assert metadata(tmp_path, a_space(), at=at).at == at


def test_a_file_and_a_folder_of_one_name_are_found_among_many() -> None:
    nodes = [a_file(f"a{number}/b", b"") for number in range(1_000)]
    check_files(WantedDataSet(code="D", files=(*nodes, a_file("a", b""), a_file("a1/b", b""))))
    for other in ("a7", "a7/b/c", "a7/b/c/d"):
        with pytest.raises(ItemError, match="is a file and a folder at once"):
            check_files(WantedDataSet(code="D", files=(*nodes, a_file(other, b""))))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = 1\nb = x\0y\n", ":2: the file has the character U\\+0000"),
        ("a = 1\n".encode("utf-16"), ":1: the file has the character U\\+0000"),
        (b"a = 1\nb = x\\u0000y\n", ":2: the escape"),
        (b"\\u0000 = 1\n", ":1: the escape"),
    ],
)
def test_settings_have_no_nul(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.properties"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"a.properties{told}"):
        read_properties(path)
    if b"\0" in content:
        with pytest.raises(ConfigError, match=told):
            read_text(path)
