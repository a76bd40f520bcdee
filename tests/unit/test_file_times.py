"""Files get the times of their source, as far as the file system can hold them."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harvester.openbis.transfers.guard import is_dated_alike
from harvester.openbis.transfers.rehearsed_transfers import RehearsedTransfers
from harvester.openbis.transfers.transfers import WantedDataSet
from shared.file_times import file_time, set_file_time
from shared.model.entities import FileNode
from shared.store.files import DataStore
from shared.store.rows import milliseconds

TIME = datetime(2026, 3, 5, 9, 14, 7, 123_000, UTC)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "file"
    place.write_bytes(b"12345")
    return place


@pytest.mark.parametrize("time", [TIME, datetime(1969, 7, 20, 20, 17, 40, 1_000, UTC)])
def test_a_file_has_the_time_that_it_was_given(place: Path, time: datetime) -> None:
    assert set_file_time(place, time)
    assert file_time(place) == milliseconds(time)


def test_a_time_that_cannot_be_held_is_no_error(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_fields: Any) -> None:
        raise OSError("no such times here")

    monkeypatch.setattr(os, "utime", refuse)
    assert not set_file_time(place, TIME)


@pytest.mark.parametrize(
    ("announced", "same"),
    [
        (FileNode(path="file", length=5, modified=TIME), True),
        (FileNode(path="file", length=6, modified=TIME), False),
        (FileNode(path="file", length=5, modified=TIME.replace(microsecond=124_000)), False),
        (FileNode(path="file", length=5), False),
        (FileNode(path="file", length=5, modified=TIME, crc32=1), False),  # then that decides
    ],
)
def test_length_and_time_tell_that_a_file_without_checksum_is_the_same(
    place: Path, announced: FileNode, *, same: bool
) -> None:
    set_file_time(place, TIME)
    assert is_dated_alike(place, announced) is same


def test_files_that_are_here_need_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of large AFS data a small part is edited, day by day."""
    store = DataStore(root=tmp_path, uuid="u", service_root=tmp_path, temporary=tmp_path / "temp")
    place = store.data_set_file("D", "large")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"1234567890")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=9))

    def fails(*files: FileNode) -> bool:
        wanted = WantedDataSet(code="D", files=files)
        ((_, error),) = RehearsedTransfers(store).data_sets([wanted])
        return error is not None

    large = FileNode(path="large", length=10, modified=TIME)
    assert not fails(large, FileNode(path="new", length=9, modified=TIME))
    assert fails(large, FileNode(path="new", length=10, modified=TIME))
    assert fails(FileNode(path="large", length=10))  # no AFS data
