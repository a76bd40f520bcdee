"""Device templates, from one openDCIM to another: a repository, its queue, and two installations.

Every program runs as a process of its own, as an operator would start it; each command is printed
before it runs. The installations are files of SQLite with openDCIM's tables, since a real openDCIM
needs a web server. All that is made lies in one folder, which the next demo replaces.
"""

from __future__ import annotations

import io
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from PIL import Image, ImageDraw

_BIN = Path(sys.executable).parent
_PATIENCE = 30.0
"""Seconds in which the repository must answer."""

_REPOSITORY = """\
catalogue = none
opendcim-repository = true
download-url = http://127.0.0.1:{port}
port = {port}
"""
_HARVESTER = """\
harvester-config-file = harvester-config.txt
"""
_SECTION = """\
[TEMPLATES]
kind = opendcim-repository
repository-url = http://127.0.0.1:{port}
opendcim-database-url = sqlite:///opendcim.db
pictures-dir = pictures
log-file = log/templates.log
{more}
"""
_MADE = """
insert into fac_Manufacturer (Name, GlobalID, SubscribeToUpdates) values ('acme racks', 0, 0);
insert into fac_DeviceTemplate (ManufacturerID, Model, Height, Weight, Wattage, DeviceType, PSCount,
 NumPorts, Notes, FrontPictureFile, RearPictureFile, ChassisSlots, RearChassisSlots, ShareToRepo)
 values (1, 'Rack Server 2000', 2, 51, 500, 'Server', 2, 2, 'bought in spring', 'rs2000.png', '', 0,
 0, 1), (1, 'Smart Strip 8', 1, 9, 0, 'CDU', 1, 0, '', '', '', 0, 0, 1);
insert into fac_TemplatePorts (TemplateID, PortNumber, Label, MediaID, ColorID, Notes)
 values (1, 1, 'eth0', 1, 2, 'uplink'), (1, 2, 'eth1', 0, 0, '');
insert into fac_CDUTemplate (TemplateID, ManufacturerID, Model, Managed, ATS, VersionOID,
 OutletNameOID, Multiplier, OID1, OID2, OID3, ATSStatusOID, ATSDesiredResult, ProcessingProfile,
 Voltage, Amperage, NumOutlets)
 values (2, 1, 'Smart Strip 8', 1, 0, '', '', '1', '1.3.6.1.4.1.99999.1', '', '', '', '',
 'SingleOIDWatts', 230, 16, 8);
"""


def main() -> int:
    """Returns 0 if every step did what it should."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-opendcim").absolute()
    shutil.rmtree(root, ignore_errors=True)
    port = _free_port()
    at_repository = ("--config", str(root / "repository" / "source-server.properties"))
    _write(root / "repository" / "source-server.properties", _REPOSITORY.format(port=port))
    first, second = root / "first", root / "second"

    _say("1. A repository, which knows one manufacturer, and a key for those who submit")
    _run("source-server", "opendcim", "manufacturer", "add", "ACME Racks", *at_repository)
    key = _key(
        _run("source-server", "opendcim", "user", "add", "first@example.org", *at_repository)
    )
    _site(first, port, f"api-user-id = first@example.org\napi-key = {key}")
    _site(second, port, "subscribe = ACME Racks")
    _make_templates(first)
    with _served(at_repository, port, root / "repository" / "server.log"):
        _say("2. The first installation shares two templates: first the plan, field by field")
        _run("harvester", "run", "--dry-run", *_at(first))
        _say("3. The same in earnest: the templates are in the queue")
        _run("harvester", "run", *_at(first))
        listed = _run("source-server", "opendcim", "queue", "list", *at_repository)
        _say("4. Nobody else sees them before a moderator approves them")
        for request in (line.split("\t")[0] for line in listed.splitlines()):
            _run("source-server", "opendcim", "queue", "show", request, *at_repository)
            _run("source-server", "opendcim", "queue", "approve", request, *at_repository)
        _say("5. The second installation is subscribed to the manufacturer, and pulls them")
        _run("harvester", "run", *_at(second))
        _say("6. Once a day is enough; a forced run finds nothing to do")
        _run("harvester", "run", *_at(second))
        _run("harvester", "run", "--force", *_at(second))
        _say("7. A bundle for sites without internet")
        bundle = str(root / "bundle.zip")
        _run("harvester", "opendcim", *_at(second), "export", bundle)
    _run("harvester", "status", *_at(second))
    _show(second)
    _say(f"All of it lies in {root}; the logs of the sections in first/log and second/log")
    return 0


def _site(folder: Path, port: int, more: str) -> None:
    _write(folder / "harvester.properties", _HARVESTER)
    _write(folder / "harvester-config.txt", _SECTION.format(port=port, more=more))
    _run("harvester", "init", *_at(folder))
    _run("harvester", "opendcim", *_at(folder), "init")


def _at(folder: Path) -> tuple[str, str]:
    return ("--config", str(folder / "harvester.properties"))


def _make_templates(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "opendcim.db")) as database:
        database.executescript(_MADE)
    image = Image.new("RGB", (440, 40), "#334")
    ImageDraw.Draw(image).rectangle((10, 10, 200, 30), outline="#9cf")
    file = io.BytesIO()
    image.save(file, "PNG")
    (folder / "pictures" / "rs2000.png").write_bytes(file.getvalue())


def _show(folder: Path) -> None:
    _say("8. What the second installation has now")
    with closing(sqlite3.connect(folder / "opendcim.db")) as database:
        query = "select Model, DeviceType, Height, Weight, FrontPictureFile from fac_DeviceTemplate"
        for row in database.execute(query):
            sys.stdout.write(f"  {row}\n")


def _key(printed: str) -> str:
    found = re.search(r"\b[A-Za-z0-9_-]{20,}\b", printed)
    if found is None:
        sys.exit("source-server opendcim user add printed no key; the demo stops here")
    return found[0]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # keys are in it
    path.write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"\n=== {text}\n")
    sys.stdout.flush()


def _run(*command: str) -> str:
    """What it printed, which is shown, too."""
    sys.stdout.write(f"$ {' '.join(command)}\n")
    sys.stdout.flush()
    done = subprocess.run(  # noqa: S603 - our own programs
        [str(_BIN / command[0]), *command[1:]], check=False, stdout=subprocess.PIPE, text=True
    )
    sys.stdout.write(done.stdout)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:3])} ended with {done.returncode}; the demo stops here")
    return done.stdout


@contextmanager
def _served(at_repository: tuple[str, ...], port: int, log: Path) -> Iterator[None]:
    """The repository as a process, until the end of the block."""
    command = [str(_BIN / "source-server"), "serve", *at_repository]
    sys.stdout.write(f"$ source-server serve {' '.join(at_repository)} 2> {log}\n")
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
    sys.exit(f"the repository did not start; see {log}")


if __name__ == "__main__":
    sys.exit(main())
