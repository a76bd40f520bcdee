"""The main job, from nothing: a source is made and served, and harvested into a second instance.

Every program runs as a process of its own, as an operator would start it; each command is printed
before it runs. All that is made lies in one folder, which the next demo replaces.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BIN = Path(sys.executable).parent
_PATIENCE = 30.0
"""Seconds in which the source server must answer."""

_SOURCE = """\
server-url = http://127.0.0.1:{port}/openbis
download-url = http://127.0.0.1:{port}
port = {port}
"""
_HARVESTER = """\
harvester-config-file = harvester-config.txt
"""
_SECTIONS = """\
[GARDEN]
resource-list-url = http://127.0.0.1:{port}/datastore_server/re-sync
data-source-openbis-url = http://127.0.0.1:{port}/openbis/openbis
data-source-dss-url = http://127.0.0.1:{port}/datastore_server
data-source-auth-user = harvest
data-source-auth-pass = demo
harvester-user = admin
harvester-pass = secret
deletion-allowed = true
translate-using-data-source-alias = true
log-file = log/synchronization.log
"""


def main() -> int:
    """Returns 0 if every step did what it should."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "demo").absolute()
    shutil.rmtree(root, ignore_errors=True)
    source, harvester = root / "source", root / "harvester"
    port = _free_port()
    _write(source / "source-server.properties", _SOURCE.format(port=port))
    _write(harvester / "harvester.properties", _HARVESTER)
    _write(harvester / "harvester-config.txt", _SECTIONS.format(port=port))
    at_source = ("--config", str(source / "source-server.properties"))
    here = ("--config", str(harvester / "harvester.properties"))

    _say("1. A source: an invented botanical garden, with every kind of entity and some files")
    _run("source-server", "demo", *at_source)
    _say("2. A destination: empty but for its admin user and openBIS's internal definitions")
    _run("harvester", "init", *here)
    with _served(at_source, port, source / "server.log"):
        _say("3. The first harvest: a dry-run pass, then the nine steps in earnest")
        _run("harvester", "run", *here)
        _say("4. The second harvest finds nothing to do")
        _run("harvester", "run", *here)
        _say("5. A day passes at the source: one sample is updated, one deleted, a data set is new")
        _run("source-server", "demo", "--next-day", *at_source)
        _run("harvester", "run", *here)
        _say("6. The audit compares both instances, down to the checksum of every file")
        _run("harvester", "audit", "--contents", *here)
    _say("7. What the destination remembers: its runs, and what was deleted")
    _run("harvester", "runs", *here)
    _run("harvester", "trash", "list", *here)
    _run("harvester", "status", *here)
    _say(f"All of it lies in {root}; the log of the section in harvester/log")
    return 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # passwords are in it
    path.write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"\n=== {text}\n")
    sys.stdout.flush()


def _run(*command: str) -> None:
    sys.stdout.write(f"$ {' '.join(command)}\n")
    sys.stdout.flush()
    code = subprocess.run([str(_BIN / command[0]), *command[1:]], check=False).returncode  # noqa: S603
    if code != 0:
        sys.exit(f"{command[0]} {command[1]} ended with exit code {code}; the demo stops here")


@contextmanager
def _served(at_source: tuple[str, ...], port: int, log: Path) -> Iterator[None]:
    """The source server as a process, until the end of the block."""
    command = [str(_BIN / "source-server"), "serve", *at_source]
    sys.stdout.write(f"$ source-server serve {' '.join(at_source)} 2> {log}\n")
    with log.open("wb") as file:
        server = subprocess.Popen(command, stderr=file)  # noqa: S603
        try:
            _wait_for(server, port, log)
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(_PATIENCE)


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"the source server did not start; see {log}")


if __name__ == "__main__":
    sys.exit(main())
