"""Files of openBIS 7's application file service: brought in chunks, verified, and refused for a
reason."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harvester.http.retries import PassingError
from harvester.openbis.source import afs
from harvester.openbis.source.afs import AfsChangedError
from harvester.openbis.source.afs_chunks import bytes_of_chunk, request_for
from harvester.openbis.source.source import Source
from shared.errors import SourceError, SourceRefusedError
from shared.masking import masked
from shared.verification import Expected, VerificationError
from tests.support.instances.instance import PASSWORD, USER
from tests.support.openbis7.afs import Chunk, packed, unpacked
from tests.support.openbis7.lab import AfsFile, Thing
from tests.support.openbis7.server import Openbis7, openbis7
from tests.support.servers.scripted_source import seconds, section

PATH = "run 1/trace+1.csv"


@pytest.fixture
def openbis() -> Iterator[Openbis7]:
    with openbis7() as running:
        yield running


class Bench:
    """A source that brings files of one owner to a folder."""

    def __init__(self, openbis: Openbis7, folder: Path, **fields: Any) -> None:
        self.openbis = openbis
        self.owner: Thing = openbis.lab.the("A")
        self.folder = folder
        values: dict[str, Any] = {
            "data_source_openbis_url": openbis.url,
            "data_source_auth_user": USER,
            "data_source_auth_pass": PASSWORD,
            "retry_pauses": seconds(0, 0),
            "harvester_tmp_dir": folder / "temp",
        }
        self.source = Source(section(openbis.url, **values | fields))
        self.files = self.source.afs_files(openbis.afs_url)

    def put(self, path: str, content: bytes) -> None:
        assert self.owner.afs is not None
        self.owner.afs[f"/{path}"] = AfsFile(content=content)

    def content(self, path: str) -> bytes:
        assert self.owner.afs is not None
        return self.owner.afs[f"/{path}"].content

    def fetch(self, path: str = PATH, **expected: Any) -> bytes:
        """The bytes that came, expecting those that are there."""
        content = self.content(path)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        values: dict[str, Any] = {"length": len(content), "checksum": f"MD5:{digest}"}
        target = self.folder / f"came-{len(list(self.folder.iterdir()))}"
        try:
            self.files.download(self.owner.perm_id, path, target, Expected(**values | expected))
        except Exception:
            assert not target.exists()
            raise
        return target.read_bytes()


@pytest.fixture
def bench(openbis: Openbis7, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(openbis, tmp_path)
    with bench.source:
        yield bench


@pytest.mark.parametrize(
    "path", [PATH, ".afs.trash/old.csv", "a & b=c?#%41/é ;.txt", "nothing.txt"]
)
def test_files_come_whatever_they_are_called(bench: Bench, path: str) -> None:
    if path not in {PATH, ".afs.trash/old.csv", "nothing.txt"}:
        bench.put(path, b"some bytes")
    assert bench.fetch(path) == bench.content(path)


def test_an_empty_file_is_not_asked_for(bench: Bench) -> None:
    bench.fetch("nothing.txt")
    assert bench.openbis.afs.calls == []


def test_a_large_file_comes_in_several_chunks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afs, "MOST_BYTES", 700_000)
    bench.put("big.bin", bytes(range(256)) * 8_000)
    assert bench.fetch("big.bin") == bench.content("big.bin")
    assert len(bench.openbis.afs.reads) == 3


def test_what_has_come_of_a_large_file_is_not_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afs, "MOST_BYTES", 700_000)
    bench.put("big.bin", bytes(range(256)) * 8_000)
    bench.openbis.faults.away_after_reads = 2
    with pytest.raises(SourceError, match="503"):
        bench.fetch("big.bin")
    bench.openbis.faults.away_after_reads = None
    again = Bench(bench.openbis, bench.folder)
    with again.source:
        assert again.fetch("big.bin") == bench.content("big.bin")
    assert len(bench.openbis.afs.reads) == 3


def test_what_was_kept_of_other_bytes_is_brought_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afs, "MOST_BYTES", 700_000)
    bench.put("big.bin", bytes(range(256)) * 8_000)
    bench.openbis.faults.other_bytes["/big.bin"] = b"x" * len(bench.content("big.bin"))
    bench.openbis.faults.away_after_reads = 1
    with pytest.raises(SourceError, match="503"):
        bench.fetch("big.bin")
    bench.openbis.faults.away_after_reads = None
    bench.openbis.faults.other_bytes.clear()
    again = Bench(bench.openbis, bench.folder)
    with again.source:
        assert again.fetch("big.bin") == bench.content("big.bin")


def test_a_lock_is_waited_for(bench: Bench) -> None:
    bench.openbis.faults.busy = 2
    assert bench.fetch() == bench.content(PATH)


def test_a_lock_that_stays_is_the_error_of_one_file(bench: Bench) -> None:
    bench.openbis.faults.busy = 3 * 4
    for _ in range(4):
        with pytest.raises(SourceError, match=r"is locked by another user.*10011"):
            bench.fetch()
    assert bench.fetch() == bench.content(PATH)


def test_an_owner_that_is_not_given_says_what_to_do(bench: Bench) -> None:
    bench.openbis.faults.unreadable.add(bench.owner.perm_id)
    with pytest.raises(SourceError) as caught:
        bench.fetch()
    text = str(caught.value)
    assert f"{bench.owner.perm_id}/{PATH}" in text
    assert f"user {USER} must be allowed to see the sample or experiment" in text


def test_a_file_that_is_gone_is_one_that_cannot_be_verified(bench: Bench) -> None:
    with pytest.raises(AfsChangedError, match="does not have the file any more"):
        bench.files.download(
            bench.owner.perm_id, "gone", bench.folder / "x", Expected(length=1, checksum="MD5:00")
        )


def test_other_bytes_are_refused(bench: Bench) -> None:
    bench.openbis.faults.other_bytes[f"/{PATH}"] = b"x" * 30
    with pytest.raises(VerificationError, match="MD5: the list says"):
        bench.fetch()


def test_bytes_of_another_time_say_that_the_file_has_changed(bench: Bench) -> None:
    old = f"MD5:{hashlib.md5(b'old', usedforsecurity=False).hexdigest()}"
    with pytest.raises(AfsChangedError, match="it has changed since the list was made"):
        bench.fetch(checksum=old)


def test_a_file_that_is_shorter_by_now_has_changed_and_is_not_said_to_be_forbidden(
    bench: Bench,
) -> None:
    expected = Expected(length=99, checksum="MD5:00")
    with pytest.raises(AfsChangedError, match="it cannot be read as listed; it has changed since"):
        bench.files.download(bench.owner.perm_id, PATH, bench.folder / "x", expected)


def test_a_file_that_ends_too_early_is_refused(bench: Bench) -> None:
    bench.openbis.faults.short_reads[f"/{PATH}"] = 10
    with pytest.raises(SourceError, match="it has 0 bytes from 10 on; asked for 20 from 10"):
        bench.fetch()


def test_a_session_that_has_ended_is_followed_by_another(bench: Bench) -> None:
    bench.fetch()
    bench.openbis.end_sessions()
    assert bench.fetch() == bench.content(PATH)


def test_when_afs_is_away_only_the_first_files_wait_for_it(bench: Bench) -> None:
    bench.openbis.faults.afs_is_away = True
    for _ in range(5):
        with pytest.raises(SourceError, match="answers with status 503"):
            bench.fetch()
    assert bench.openbis.afs.calls == ["read"] * 9  # three files, three tries


def test_when_nothing_listens_the_next_file_fails_at_once(bench: Bench) -> None:
    bench.files = bench.source.afs_files("http://127.0.0.1:9/afs-server")
    for _ in range(2):
        with pytest.raises(SourceError, match="cannot be read"):
            bench.fetch()


@pytest.mark.parametrize(
    "url",
    ["http://elsewhere.example.org/afs-server", "ftp://127.0.0.1/afs", "https://127.0.0.1:1/", "x"],
)
def test_the_session_is_sent_to_no_other_host(bench: Bench, url: str) -> None:
    bench.files = bench.source.afs_files(url)
    with pytest.raises(SourceRefusedError, match="the session is not sent there"):
        bench.fetch()


def test_without_an_address_the_files_cannot_come(bench: Bench) -> None:
    bench.files = bench.source.afs_files(None)
    with pytest.raises(SourceError, match="names no application file service"):
        bench.fetch()


def test_without_an_application_server_the_missing_key_is_named(
    openbis: Openbis7, tmp_path: Path
) -> None:
    bench = Bench(openbis, tmp_path, data_source_openbis_url=None)
    with bench.source, pytest.raises(SourceError, match="data-source-openbis-url is missing"):
        bench.fetch()


def test_no_token_is_printed(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench.openbis.faults.busy = 1
    bench.fetch()
    (token,) = bench.openbis.sessions
    bench.openbis.faults.unreadable.add(bench.owner.perm_id)
    with pytest.raises(SourceError) as caught:
        bench.fetch()
    assert token not in str(caught.value)
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("harvester")]
    assert lines
    assert token not in "".join(lines)
    assert masked(f"sessionToken={token}") == "sessionToken=***"


def test_a_run_that_ends_breaks_off(bench: Bench) -> None:
    bench.source.abort()
    with pytest.raises(SourceError, match="the run was broken off"):
        bench.fetch()


def test_chunks_are_written_as_afs_reads_them() -> None:
    assert list(unpacked(request_for("1-2", "/é", 5, 7))) == [Chunk("1-2", "/é", 5, 7)]


ANSWER = packed([Chunk("1-2", "/a", 5, 7, b"bytes")])


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_chunks_are_read_in_pieces_of_any_size(size: int) -> None:
    pieces = [ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]
    assert b"".join(bytes_of_chunk([*pieces, b""], 5, 7)) == b"bytes"


@pytest.mark.parametrize("length", range(len(ANSWER)))
def test_a_chunk_that_is_cut_may_come_whole_at_the_next_try(length: int) -> None:
    with pytest.raises(PassingError, match="ends too early"):
        list(bytes_of_chunk([ANSWER[:length]], 5, 7))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (packed([]), "it has 0 chunks"),
        (packed([Chunk("", "", 5, 7, b"a")] * 2), "it has 2 chunks"),
        (packed([Chunk("1-2", "/a", 4, 7, b"a")]), "it has 1 bytes from 4 on"),
        (packed([Chunk("1-2", "/a", 5, 7, b"a" * 8)]), "it has 8 bytes"),
        (packed([Chunk("1-2", "/a", 5, 7, None)]), "it has -1 bytes"),
        (ANSWER + b"x", "something follows"),
        (b"<html>" * 100, "it has 1013478509 chunks"),
        (b"\0\0\0\1\x7f\0\0\0", "a text has"),
    ],
)
def test_another_answer_than_was_asked_for_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        list(bytes_of_chunk([answer], 5, 7))


def test_pauses_that_afs_asks_for_do_not_stop_other_files(bench: Bench) -> None:
    bench.openbis.faults.afs_is_away = True
    bench.openbis.faults.retry_after = timedelta(hours=1)
    with pytest.raises(SourceError, match="left alone"):
        bench.fetch()
    (data_set,) = bench.openbis.lab.of("DATASET")
    url = bench.source.session_file_url(data_set.code, "original/data")
    assert bench.source.download(url, bench.folder / "other", length=10).length == 10
