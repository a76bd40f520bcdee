"""Both programs as an operator starts them: as processes, with their files of settings."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.conftest import LoadOpenBis
from tests.support.instances.settings_files import write_private
from tests.support.openbis.examples import Examples
from tests.support.processes.listening_programs import free_port

PROJECT = Path(__file__).parents[2]
PATIENCE = 60.0


def run(*command: str, check: int = 0, text: str | None = None) -> str:
    """What a command of one of the programs prints; it must end with the given code."""
    result = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        input=text,
        check=False,
    )
    output = result.stdout + result.stderr
    assert result.returncode == check, output
    return output


@contextmanager
def serving(config: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """``source-server serve`` until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "source_server", "serve", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
    except httpx.TransportError:
        return False
    return True


def test_the_demo_of_the_readme_runs_to_its_end(tmp_path: Path) -> None:
    script = PROJECT / "scripts" / "demo.py"
    result = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.findall(r"\[GARDEN\] done: (.*)", result.stdout) == [
        "101 changes",
        "nothing to do",
        "6 changes",
        "nothing to do",
        "nothing to do",
    ]
    assert "[GARDEN] 0 differences" in result.stdout


def test_an_openbis_is_published_and_harvested_by_processes(
    examples: Examples, load_openbis: LoadOpenBis, x192_store: Path, tmp_path: Path
) -> None:
    port = free_port()
    source = tmp_path / "source-server.properties"
    source.write_text(
        f"catalogue = openbis\nport = {port}\n"
        f"download-url = http://127.0.0.1:{port}\nserver-url = http://127.0.0.1:{port}/openbis\n"
        f"database-url = {load_openbis(examples.database)}\n"
        f"path-info-database-url = {load_openbis(examples.path_info)}\n"
        f"storeroot-dir = {x192_store}\nusers-file = users\n"
    )
    harvester = tmp_path / "harvester.properties"
    harvester.write_text("harvester-config-file = sections.txt\n")
    write_private(
        tmp_path / "sections.txt",
        "[X192]\n"
        f"resource-list-url = http://127.0.0.1:{port}/datastore_server/re-sync\n"
        f"data-source-dss-url = http://127.0.0.1:{port}/datastore_server\n"
        f"data-source-auth-user = {examples.keeper}\ndata-source-auth-pass = p:w#1\n"
        "harvester-user = admin\nharvester-pass = secret\n"
        "translate-using-data-source-alias = true\n",
    )
    at_source = ("--config", str(source))
    here = ("--config", str(harvester))
    run(
        "source_server",
        "user",
        "add",
        examples.keeper,
        "--password-stdin",
        *at_source,
        text="p:w#1\n",
    )
    ours = tmp_path / "list.xml"
    with ours.open("wb") as file:
        command = (sys.executable, "-m", "source_server", "document", "resourcelist", *at_source)
        subprocess.run(command, stdout=file, stderr=subprocess.PIPE, cwd=PROJECT, check=True)
    run("harvester", "init", "--internal-master-data", str(ours), *here)
    with serving(source, port):
        first = run("harvester", "run", *here)
        assert f"{examples.samples} SAMPLE created" in first
        assert "nothing to do" in run("harvester", "run", *here)
        *notes, last = run("harvester", "audit", "--contents", *here).splitlines()
        assert last == "[X192] 0 differences"
        assert all("wait for their files" in note for note in notes)
        wrong = (tmp_path / "sections.txt").read_text().replace("p:w#1", "p:w#2")
        (tmp_path / "sections.txt").write_text(wrong)
        refused = run("harvester", "run", *here, check=4)
        assert examples.keeper in refused
        assert "p:w#2" not in refused
    assert "FAILED" in run("harvester", "run", *here, check=3)


def test_the_daemon_harvests_again_and_again_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "harvester.properties").write_text(
        "harvester-config-file = sections.txt\ninterval = 1 s\n"
    )
    write_private(
        tmp_path / "sections.txt",
        "[DS1]\n"
        f"resource-list-url = http://127.0.0.1:{port}/datastore_server/re-sync\n"
        f"data-source-dss-url = http://127.0.0.1:{port}/datastore_server\n"
        "data-source-auth-user = harvest\ndata-source-auth-pass = demo\n"
        "harvester-user = admin\nharvester-pass = secret\n",
    )
    source = tmp_path / "source.properties"
    source.write_text(
        f"port = {port}\ndownload-url = http://127.0.0.1:{port}\ndatabase-url = sqlite:///s.db\n"
        "storeroot-dir = source-store\nfile-service-repository-path = source-files\n"
    )
    here = ("--config", str(tmp_path / "harvester.properties"))
    run("source_server", "demo", "--config", str(source))
    run("harvester", "init", *here)
    with serving(source, port):
        daemon = subprocess.Popen(
            [sys.executable, "-m", "harvester", "daemon", *here],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=PROJECT,
        )
        assert daemon.stdout is not None
        lines: list[str] = []
        while sum("agree" in line for line in lines) < 3:
            line = daemon.stdout.readline()
            assert line, lines
            lines.append(line)
        daemon.terminate()
        rest, _ = daemon.communicate(timeout=PATIENCE)
    assert daemon.returncode == 0, rest
    done = ["[DS1]" + line.strip().partition("[DS1]")[2] for line in lines if "] done" in line]
    assert done == ["[DS1] done: 101 changes", *["[DS1] done: nothing to do"] * 2]
