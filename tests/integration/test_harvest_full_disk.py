"""A disk that is full: a clear message, nothing lost, and the next run goes on."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.model.kinds import Kind
from tests.support.instances.builders import a_data_set, a_sample
from tests.support.instances.full_instance import TRIAL, FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PROJECT, Instance, files_below


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A real file system that is soon full."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def enlarge(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", str(folder)], check=True)


def test_what_does_not_fit_is_told_and_comes_when_there_is_space(
    source: Instance, full_instance: FullInstance, either: Harvest
) -> None:
    store = either.root / "store"
    with source.served() as url, small_disk(store, "60k"):
        either.section("DS1", url, max_threads="1")
        either.init()
        result = either.run()
        assert result.code == 7
        what = f"DATA_SET {full_instance.of_well.perm_id}: "
        assert f"{what}file original/big.bin: [Errno 28] No space left" in result.output
        assert f"{what}65,536 bytes do not fit: 61,440 bytes are free" in either.log()
        assert full_instance.of_well.perm_id not in either.instance.codes(Kind.DATA_SET)
        assert set(either.instance.codes(Kind.SAMPLE)) == source.codes(Kind.SAMPLE)
        enlarge(store)
        either.converges()
        assert either.instance.bytes_held() == source.bytes_held()
        assert len(files_below(store)) == len(source.bytes_held()) - 1
        either.instance.engine.dispose()


def test_a_full_disk_below_the_database_is_told_and_the_next_run_goes_on(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    source.load(*(a_sample(n, properties={"NOTES": "x" * 2000}) for n in range(500, 900)))
    harvest.instance.engine.dispose()
    with source.served() as url, small_disk(harvest.root, "2m"):
        harvest.section("DS1", url)
        harvest.init()
        result = harvest.run()
        assert result.code == 1
        assert "[DS1] FAILED: " in result.output
        assert "database or disk is full" in result.output or "No space left" in result.output
        assert "INSERT" not in result.output  # no statement with all its values
        enlarge(harvest.root)
        harvest.converges()
        assert harvest.instance.entities() == source.entities()
        harvest.instance.engine.dispose()
    assert full_instance.everything


def test_a_file_that_may_not_be_that_large_fails_its_data_set_only(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    large = bytes(3_000_000)
    code = a_data_set(59).code
    source.load(
        a_data_set(59, experiment=TRIAL, files=(source.put_file(code, "original/large", large),))
    )
    with source.served() as url:
        harvest.section("DS1", url)
        harvest.init()
        run = [sys.executable, "-m", "harvester", "run", "--config"]
        process = subprocess.run(
            [*run, str(harvest.root / "harvester.properties")],
            check=False,
            capture_output=True,
            text=True,
            cwd=PROJECT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000)),
        )
        assert process.returncode == 7, process.stderr
        assert f"DATA_SET {code}: file original/large: [Errno 27] File too large" in process.stdout
        assert source.codes(Kind.DATA_SET) - harvest.instance.codes(Kind.DATA_SET) == {code}
        harvest.converges()
    assert full_instance.everything
