"""How fast files come, from the list of what is wanted to committed rows, against curl.

curl writes the same files, over as many connections, from the same server with the same
credentials; it verifies nothing, makes nothing durable and keeps no rows.
"""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from shared.resourcesync.addresses import DATA_STORE_PATH, RE_SYNC_PATH
from tests.benchmarks.file_workload import NAME, Files, Published, Way, served
from tests.benchmarks.measures import Measure, Sizes
from tests.benchmarks.processes import Spent, run, timed
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import PASSWORD, USER

_CONNECTIONS = 8
# How often each is measured, in turn with its floor; the best counts.
_TIMES = 3
_STEP = "Register data sets"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is measured once."""

    key: str
    title: str
    way: Way
    mark: float
    # Whether what curl has written is synced, too, as a harvest does.
    durable: bool = False


_SMALL = (
    _Task(key="files.small", title="F small files", way=Way.DIRECT, mark=1.5),
    _Task(key="files.small.10ms", title="F small files, 10 ms away", way=Way.DELAYED, mark=1.5),
    _Task(
        key="files.small.quick",
        title="F small files from a server that costs nothing",
        way=Way.QUICK,
        mark=float("inf"),
    ),
)
_LARGE = (
    _Task(key="files.large", title="F large files", way=Way.DIRECT, mark=1.3),
    _Task(
        key="files.large.durable",
        title="F large files, those of curl synced as well",
        way=Way.DIRECT,
        mark=float("inf"),
        durable=True,
    ),
)


def measures(folder: Path, sizes: Sizes) -> Iterator[Measure]:
    """Workload F: the step that fetches files, of a harvest over a source server's process."""
    for name, tasks, count, size in (
        ("small", _SMALL, sizes.small_files, sizes.small_file),
        ("large", _LARGE, sizes.large_files, sizes.large_file),
    ):
        files = Files.create(folder / name, count, size)
        for task in tasks:
            yield _measured(folder / name, task, files)
        rmtree(folder / name)


def _measured(folder: Path, task: _Task, files: Files) -> Measure:
    floors, values, works = [], [], []
    with served(files, task.way) as published:
        for number in range(_TIMES):
            floors.append(_by_curl(folder / "curl", published, files, durable=task.durable))
            seconds, spent = _by_harvest(folder / f"harvest-{number}", published, files)
            values.append(seconds)
            works.append(spent.work)
    return Measure(
        key=task.key,
        title=task.title,
        value=min(values),
        unit="s",
        floor=min(floors),
        mark=task.mark,
        note=f"{len(files.codes):,} files; the whole harvest took {min(works):.1f} s of processor",
    )


def _by_curl(folder: Path, published: Published, files: Files, *, durable: bool) -> float:
    """Seconds for all files."""
    folder.mkdir()
    credentials = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    header = f'header = "Authorization: Basic {credentials}"\n'
    lines = [header]
    for code in files.codes:
        url = f"{published.files_url}{DATA_STORE_PATH}/{code}/{NAME}"
        lines.append(f'url = "{url}"\noutput = "{folder / code}"\n')
    config = folder / "curl.txt"
    config.write_text("".join(lines))
    options = ("--parallel", "--parallel-max", str(_CONNECTIONS), "--config", str(config))
    about = folder / "about.txt"
    about.write_text(f'{header}url = "{published.list_url}{RE_SYNC_PATH}"\noutput = "/dev/null"\n')
    _curl("--config", str(about))  # the server knows the password from now on
    seconds, _ = timed(lambda: _curl(*options))
    if durable:
        seconds += timed(lambda: _sync(folder / code for code in files.codes))[0]
    for code in files.codes:
        assert (folder / code).read_bytes() == files.content(code).read_bytes()
    rmtree(folder)
    return seconds


def _sync(paths: Iterable[Path]) -> None:
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _curl(*options: str) -> None:
    subprocess.run(["curl", "--silent", "--fail", *options], check=True, capture_output=True)


def _by_harvest(folder: Path, published: Published, files: Files) -> tuple[float, Spent]:
    """Seconds for the step, and what the whole run took."""
    harvest = Harvest(folder)
    harvest.section(
        "DS1",
        published.list_url,
        data_source_dss_url=f"{published.files_url}{DATA_STORE_PATH}",
        max_threads=str(_CONNECTIONS),
        max_connections_per_source=str(_CONNECTIONS),
        log_format="json",
    )
    harvest.init()
    spent = run("harvester", "run", "--config", str(folder / "harvester.properties"))
    assert spent.code == 0, spent.output
    for code in files.codes:
        arrived = harvest.instance.store.data_set_file(code, NAME)
        assert arrived.read_bytes() == files.content(code).read_bytes()
    harvest.agrees()
    seconds = _seconds_of_step(harvest.log())
    harvest.instance.engine.dispose()
    rmtree(folder)
    return seconds, spent


def _seconds_of_step(log: str) -> float:
    """Of the real pass."""
    told = [json.loads(line) for line in log.splitlines()]
    seconds = [
        float(one["seconds"])
        for one in told
        if one.get("step") == _STEP and one.get("pass") == "real" and "seconds" in one
    ]
    return seconds[-1]
