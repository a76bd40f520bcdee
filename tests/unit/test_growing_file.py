"""A file that is read while it is written: nothing is missed, and nothing counts twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harvester.openbis.source.growing_file import GrowingFile, UnwantedError
from harvester.openbis.source.items import BegunAnewError
from shared.errors import SourceError


def test_each_reader_gets_all_from_the_beginning_however_late_it_comes(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "list.xml")
    pieces = [bytes([number]) * (number * 1000) for number in range(1, 40)]

    def read() -> bytes:
        return b"".join(file.blocks())

    with ThreadPoolExecutor(4) as pool:
        early = [pool.submit(read) for _ in range(3)]
        for piece in pieces:
            file.write(piece)
        late = pool.submit(read)
        file.end()
        assert {task.result() for task in [*early, late]} == {b"".join(pieces)}
    assert read() == b"".join(pieces)
    assert file.wait().read_bytes() == b"".join(pieces)


def test_a_reader_has_what_came_before_the_error_and_then_the_error(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "list.xml")
    file.write(b"half of it")
    file.end(SourceError("cut"))
    blocks = file.blocks()
    assert next(blocks) == b"half of it"
    with pytest.raises(SourceError, match="cut"):
        next(blocks)
    with pytest.raises(SourceError, match="cut"):
        file.wait()


def test_whoever_has_read_something_is_told_that_the_source_began_again(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "list.xml")
    file.write(b"first try, longer")
    blocks = file.blocks()
    assert next(blocks) == b"first try, longer"
    file.begin_anew()
    file.write(b"second")
    with pytest.raises(BegunAnewError):
        next(blocks)
    file.end()
    assert b"".join(file.blocks()) == b"second"
    assert file.path.read_bytes() == b"second"


def test_beginning_again_before_anything_came_troubles_nobody(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "list.xml")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(lambda: b"".join(file.blocks()))
        file.begin_anew()
        file.begin_anew()
        file.write(b"all of it")
        file.end()
        assert reading.result() == b"all of it"


def test_what_nobody_wants_any_more_is_not_written(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "list.xml")
    file.write(b"some")
    file.give_up()
    with pytest.raises(UnwantedError):
        file.write(b"more")
    file.end()
    assert file.path.read_bytes() == b"some"
