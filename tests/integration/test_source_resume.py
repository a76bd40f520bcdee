"""Large files go on where they broke off: in the next try, in the next run, after a kill."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harvester.http.downloads import LARGE
from harvester.http.partials import Partials
from harvester.openbis.source.source import Source, VerificationError
from harvester.runs.stopping import RunLimits, StopRequest
from shared.errors import SourceError, StoppedError
from tests.support.servers.range_source import RangeSource, range_source
from tests.support.servers.scripted_source import seconds, section

pytestmark = pytest.mark.usefixtures("transport")

CONTENT = hashlib.shake_128(b"large").digest(3 * LARGE + 12345)
LENGTH = len(CONTENT)
WANTED: dict[str, Any] = {"length": LENGTH, "crc32": zlib.crc32(CONTENT)}
OTHER = bytes(reversed(CONTENT))


class Harvester:
    """What a run has: its source and folders, which a later run has, too."""

    def __init__(self, source: RangeSource, folder: Path, **fields: Any) -> None:
        pauses = {"retry_pauses": seconds(0, 0), "harvester_tmp_dir": folder / "temp"}
        self.config = section(source.url, **(pauses | fields))
        self.target = folder / "file"
        self.source = source
        self.limits = RunLimits(self.config)

    def fetch(self, **wanted: Any) -> bytes:
        with Source(self.config, self.limits) as source:
            source.download(self.source.address, self.target, **(wanted or WANTED))
        content = self.target.read_bytes()
        self.target.unlink()
        return content

    @property
    def kept(self) -> list[Path]:
        """The beginnings of files that lie aside."""
        folder = self.config.partial_folder
        return sorted(folder.iterdir()) if folder.exists() else []

    @property
    def kept_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.kept if not path.suffix)

    def fails(self, kind: type[Exception], **wanted: Any) -> str:
        with pytest.raises(kind) as caught:
            self.fetch(**wanted)
        assert not self.target.exists()
        return str(caught.value)


def ranges(source: RangeSource) -> list[tuple[int, str | None]]:
    return [(sent.status, sent.range) for sent in source.sent]


@pytest.mark.parametrize("cut", [1, 1000, 65536, LARGE, LENGTH // 2, LENGTH - 1])
def test_a_file_that_breaks_off_goes_on_in_the_next_try(tmp_path: Path, cut: int) -> None:
    with range_source(CONTENT, cuts=[cut]) as source:
        harvester = Harvester(source, tmp_path)
        assert harvester.fetch() == CONTENT
        assert ranges(source) == [(200, None), (206, f"bytes={cut}-")]
        assert source.sent[1].if_range == '"one"'
        assert sum(sent.length for sent in source.sent) == LENGTH
        assert harvester.limits.transferred == LENGTH
        assert harvester.kept == []


def test_a_file_may_break_off_many_more_times_than_there_are_tries(tmp_path: Path) -> None:
    with range_source(CONTENT, cuts=[LENGTH // 50] * 49) as source:
        harvester = Harvester(source, tmp_path, retry_pauses=seconds(0))
        assert harvester.fetch() == CONTENT
        assert len(source.sent) == 50
        assert sum(sent.length for sent in source.sent) == LENGTH


def test_but_not_for_ever(tmp_path: Path) -> None:
    with range_source(CONTENT, cuts=[10] * 1000) as source:
        harvester = Harvester(source, tmp_path)
        harvester.fails(SourceError)
        assert len(source.sent) == 100
        assert harvester.kept_bytes == 1000


def test_tries_that_bring_nothing_are_counted(tmp_path: Path) -> None:
    with range_source(CONTENT, cuts=[LARGE], statuses=[0, 503, 503, 503]) as source:
        harvester = Harvester(source, tmp_path)
        assert "503" in harvester.fails(SourceError)
        assert len(source.sent) == 3
        assert harvester.kept_bytes == LARGE


@pytest.mark.parametrize("cuts", [[LARGE], [LARGE, LARGE], [LENGTH - 1]])
def test_the_next_run_goes_on_where_the_last_one_broke_off(tmp_path: Path, cuts: list[int]) -> None:
    with range_source(CONTENT, cuts=list(cuts)) as source:
        first = Harvester(source, tmp_path, retry_pauses=())
        for _ in cuts:
            first.fails(SourceError)
        assert first.kept_bytes == sum(cuts)
        second = Harvester(source, tmp_path)
        assert second.fetch() == CONTENT
        assert source.sent[-1].range == f"bytes={sum(cuts)}-"
        assert second.limits.transferred == LENGTH - sum(cuts)
        assert second.kept == []


def test_the_time_of_the_last_change_does_where_there_is_no_strong_etag(tmp_path: Path) -> None:
    changed = "Tue, 05 Mar 2024 09:14:07 GMT"
    headers = {"etag": 'W/"weak"', "last-modified": changed}
    with range_source(CONTENT, cuts=[LARGE], headers=headers) as source:
        assert Harvester(source, tmp_path).fetch() == CONTENT
        assert ranges(source) == [(200, None), (206, f"bytes={LARGE}-")]
        assert source.sent[1].if_range == changed


@pytest.mark.parametrize("headers", [{}, {"etag": 'W/"weak"'}])
def test_without_a_condition_a_file_starts_over(tmp_path: Path, headers: dict[str, str]) -> None:
    with range_source(CONTENT, cuts=[LARGE], headers=headers) as source:
        assert Harvester(source, tmp_path).fetch() == CONTENT
        assert ranges(source) == [(200, None), (200, None)]


def test_a_source_without_ranges_sends_everything_anew(tmp_path: Path) -> None:
    with range_source(CONTENT, cuts=[LARGE, 2 * LARGE], with_ranges=False) as source:
        assert Harvester(source, tmp_path).fetch() == CONTENT
        assert [sent.status for sent in source.sent] == [200, 200, 200]


def test_a_file_that_changes_in_between_starts_over(tmp_path: Path) -> None:
    with range_source(OTHER, cuts=[LARGE]) as source:
        Harvester(source, tmp_path, retry_pauses=()).fails(SourceError)
        source.content, source.headers = CONTENT, {"etag": '"two"'}
        assert Harvester(source, tmp_path).fetch() == CONTENT
        assert ranges(source)[1:] == [(200, f"bytes={LARGE}-")]


def test_a_file_that_changes_behind_the_same_etag_is_fetched_whole_once_more(
    tmp_path: Path,
) -> None:
    with range_source(OTHER, cuts=[LARGE]) as source:
        Harvester(source, tmp_path, retry_pauses=()).fails(SourceError)
        source.content = CONTENT
        harvester = Harvester(source, tmp_path, retry_pauses=())
        assert harvester.fetch() == CONTENT
        assert ranges(source)[1:] == [(206, f"bytes={LARGE}-"), (200, None)]
        assert harvester.kept == []


@pytest.mark.parametrize(
    "content_range",
    ["", "bytes 0-1/2", f"bytes {LARGE}-{LENGTH - 1}/*", f"bytes {LARGE}-{LENGTH}/{LENGTH + 1}"],
)
def test_a_part_that_is_not_the_one_asked_for_is_not_used(
    tmp_path: Path, content_range: str
) -> None:
    with range_source(CONTENT, cuts=[LARGE], content_range=content_range or "x") as source:
        assert Harvester(source, tmp_path, retry_pauses=seconds(0)).fetch() == CONTENT
        assert ranges(source)[1:] == [(206, f"bytes={LARGE}-"), (200, None)]


def test_a_range_that_the_source_cannot_serve_leads_to_the_whole(tmp_path: Path) -> None:
    with range_source(CONTENT, cuts=[LARGE], statuses=[0, 416]) as source:
        assert Harvester(source, tmp_path, retry_pauses=seconds(0)).fetch() == CONTENT
        assert ranges(source)[1:] == [(416, f"bytes={LARGE}-"), (200, None)]


def test_a_file_that_became_shorter_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    with range_source(CONTENT, cuts=[LARGE]) as source:
        Harvester(source, tmp_path, retry_pauses=()).fails(SourceError)
        source.content = CONTENT[:1000]
        harvester = Harvester(source, tmp_path)
        assert f"the list says {LENGTH}, 1000 came" in harvester.fails(VerificationError)
        assert harvester.kept == []


def test_a_file_that_vanished_in_between_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    with range_source(CONTENT, cuts=[LARGE], statuses=[0, 404]) as source:
        harvester = Harvester(source, tmp_path)
        assert "does not have the file" in harvester.fails(VerificationError)
        assert len(source.sent) == 2
        assert harvester.kept == []


def test_a_wrong_file_is_not_fetched_twice(tmp_path: Path) -> None:
    with range_source(OTHER) as source:
        harvester = Harvester(source, tmp_path)
        harvester.fails(VerificationError)
        assert len(source.sent) == 1
        assert harvester.kept == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:500] + b"\0" * 500 + content[1000:],  # as after a power cut
        lambda content: content + bytes(LENGTH),
        lambda content: OTHER[: len(content)],
        lambda _: OTHER,
    ],
    ids=["hole", "too long", "other", "whole and wrong"],
)
def test_wrong_bytes_in_what_is_kept_are_found_and_all_is_fetched_anew(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    with range_source(CONTENT, cuts=[LARGE]) as source:
        first = Harvester(source, tmp_path, retry_pauses=())
        first.fails(SourceError)
        (kept,) = (path for path in first.kept if not path.suffix)
        kept.write_bytes(damage(kept.read_bytes()))
        second = Harvester(source, tmp_path, retry_pauses=())
        assert second.fetch() == CONTENT
        assert source.sent[-1].status == 200
        assert second.kept == []


@pytest.mark.parametrize("note", [None, b"", b"\xff\x00", b'"on', b"x" * 5000, b'"a"\r\nX: y'])
def test_without_a_sound_validator_what_is_kept_is_of_no_use(
    tmp_path: Path, note: bytes | None
) -> None:
    with range_source(CONTENT, cuts=[LARGE]) as source:
        first = Harvester(source, tmp_path, retry_pauses=())
        first.fails(SourceError)
        (path,) = (path for path in first.kept if path.suffix)
        path.unlink() if note is None else path.write_bytes(note)
        assert Harvester(source, tmp_path).fetch() == CONTENT
        assert source.sent[-1].status == 200


def test_a_whole_content_that_was_only_not_put_in_place_is_not_fetched_again(
    tmp_path: Path,
) -> None:
    with range_source(CONTENT, cuts=[LARGE]) as source:
        first = Harvester(source, tmp_path, retry_pauses=())
        first.fails(SourceError)
        (kept,) = (path for path in first.kept if not path.suffix)
        kept.write_bytes(CONTENT)
        second = Harvester(source, tmp_path)
        assert second.fetch() == CONTENT
        assert len(source.sent) == 1
        assert second.limits.transferred == 0


@pytest.mark.parametrize(
    ("content", "sums"),
    [
        (CONTENT[: LARGE - 1], {"crc32": zlib.crc32(CONTENT[: LARGE - 1])}),
        (CONTENT, {}),
        (CONTENT, {"checksum": "UNKNOWN:00"}),
    ],
    ids=["small", "without sums", "with an unknown sum"],
)
def test_small_files_and_those_that_nothing_proves_start_over(
    tmp_path: Path, content: bytes, sums: dict[str, Any]
) -> None:
    with range_source(content, cuts=[len(content) // 2]) as source:
        harvester = Harvester(source, tmp_path)
        assert harvester.fetch(length=len(content), **sums) == content
        assert ranges(source) == [(200, None), (200, None)]
        assert harvester.kept == []


def test_what_is_kept_belongs_to_what_the_list_says_of_the_file(tmp_path: Path) -> None:
    """Another checksum is another content, although the address is the same."""
    with range_source(CONTENT, cuts=[LARGE]) as source:
        harvester = Harvester(source, tmp_path, retry_pauses=())
        harvester.fails(SourceError)
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        assert harvester.fetch(length=LENGTH, sha256=sha256) == CONTENT
        assert ranges(source) == [(200, None), (200, None)]
        assert harvester.kept_bytes == LARGE


def test_a_full_disk_leaves_nothing_that_takes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with range_source(CONTENT, cuts=[LARGE]) as source:
        harvester = Harvester(source, tmp_path)
        monkeypatch.setattr(os, "fsync", full)
        assert "No space left" in harvester.fails(OSError)
        assert harvester.kept == []


def test_a_file_may_go_to_another_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of the file service may."""

    def elsewhere(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    with range_source(CONTENT) as source:
        harvester = Harvester(source, tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", elsewhere)
            assert harvester.fetch() == CONTENT
        assert harvester.kept == []


def test_two_threads_at_the_same_content_do_not_write_into_one_file(tmp_path: Path) -> None:
    partials = Partials(tmp_path / "aside")
    with partials.open("name") as one, partials.open("name") as two:
        assert one is not None
        assert two is None
    with partials.open("name") as again:
        assert again is not None


def test_two_threads_may_fetch_the_same_content(tmp_path: Path) -> None:
    with range_source(CONTENT, pause=0.01) as source:
        harvester = Harvester(source, tmp_path)
        targets = [tmp_path / "one", tmp_path / "two"]
        with Source(harvester.config) as opened, ThreadPoolExecutor(2) as pool:
            list(
                pool.map(lambda target: opened.download(source.address, target, **WANTED), targets)
            )
        assert [target.read_bytes() for target in targets] == [CONTENT] * 2
        assert harvester.kept == []


# --- stopping


def test_a_file_at_hand_is_finished_although_the_run_is_to_stop(tmp_path: Path) -> None:
    with range_source(CONTENT) as source:
        harvester = Harvester(source, tmp_path)
        request = StopRequest()
        request.set("told to")
        harvester.limits = RunLimits(harvester.config, request)
        assert harvester.fetch() == CONTENT


def test_between_two_tries_a_stop_breaks_it_off_and_what_came_is_kept(tmp_path: Path) -> None:
    with range_source(CONTENT, cuts=[LARGE]) as source:
        harvester = Harvester(source, tmp_path, retry_pauses=seconds(3600))
        request = StopRequest()
        request.set("told to")
        harvester.limits = RunLimits(harvester.config, request)
        assert "told to" in harvester.fails(StoppedError)
        assert harvester.kept_bytes == LARGE


def test_a_run_that_is_out_of_time_cuts_the_file_at_hand_and_keeps_it(tmp_path: Path) -> None:
    moments = iter(range(100_000))
    with range_source(CONTENT) as source:
        harvester = Harvester(source, tmp_path, max_run_time=timedelta(seconds=10))
        harvester.limits = RunLimits(harvester.config, clock=lambda: next(moments))
        assert "max-run-time" in harvester.fails(StoppedError)
        assert 0 < harvester.kept_bytes < LENGTH
        before = harvester.kept_bytes
        later = Harvester(source, tmp_path)
        assert later.fetch() == CONTENT
        assert later.limits.transferred == LENGTH - before


# --- a kill

_PROGRAM = """
import sys
from pathlib import Path
from harvester.openbis.source.source import Source
from tests.support.servers.scripted_source import section
url, address, folder, length, crc32 = sys.argv[1:]
with Source(section(url, harvester_tmp_dir=Path(folder) / "temp")) as source:
    source.download(address, Path(folder) / "file", length=int(length), crc32=int(crc32))
"""


def test_a_killed_program_costs_nothing_of_what_had_come(tmp_path: Path) -> None:
    with range_source(CONTENT, pause=0.05) as source:
        harvester = Harvester(source, tmp_path)
        arguments = [source.url, source.address, str(tmp_path), *map(str, WANTED.values())]
        for share in (1, 2):
            with subprocess.Popen([sys.executable, "-c", _PROGRAM, *arguments]) as process:
                deadline = time.monotonic() + 60
                while harvester.kept_bytes < share * LENGTH // 3:
                    assert time.monotonic() < deadline
                    assert process.poll() is None
                    time.sleep(0.01)
                process.send_signal(signal.SIGKILL)
            harvester.target.unlink()
        source.pause = 0
        before = harvester.kept_bytes
        assert harvester.fetch() == CONTENT
        assert source.sent[-1].range == f"bytes={before}-"
        assert harvester.limits.transferred == LENGTH - before <= LENGTH - 2 * LENGTH // 3
        assert harvester.kept == []


# --- bounds


def test_what_nobody_asks_for_is_removed_after_days(tmp_path: Path) -> None:
    folder = tmp_path / "aside"
    asked, old, newer = (digit * 40 for digit in "abc")  # as digests are
    partials = Partials(folder)
    with partials.open(asked), partials.open(old), partials.open(newer) as new:
        assert new is not None
        new.begin('"x"')
    now = time.time()
    for name, days in ((asked, 30), (old, 8), (newer, 1), (f"{newer}.validator", 1)):
        path = folder / name
        path.touch()
        os.utime(path, (now - days * 86400,) * 2)
    later = Partials(folder)
    with later.open(asked):
        pass
    os.utime(folder / asked, (now - 30 * 86400,) * 2)
    later.tidy(all_is_here=False)
    assert {path.name for path in folder.iterdir()} == {asked, newer, f"{newer}.validator"}


def test_after_a_run_that_brought_everything_it_is_removed_sooner(tmp_path: Path) -> None:
    folder, forgotten = tmp_path / "aside", "d" * 40
    with Partials(folder).open(forgotten):
        pass
    later, days = Partials(folder), 86400
    later.tidy(all_is_here=True, now=time.time() + 1 * days)
    assert (folder / forgotten).exists()
    later.tidy(all_is_here=False, now=time.time() + 3 * days)
    assert (folder / forgotten).exists()
    later.tidy(all_is_here=True, now=time.time() + 3 * days)
    assert not folder.exists()


def test_there_may_be_nothing_to_tidy(tmp_path: Path) -> None:
    Partials(tmp_path / "nowhere").tidy(all_is_here=True)
    assert list(tmp_path.iterdir()) == []
