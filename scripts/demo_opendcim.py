"""Device templates, from one openDCIM to another: a repository, its queue, and two installations.

Every program runs as a process of its own, as an operator would start it; each command is printed
before it runs. The installations are files of SQLite with openDCIM's tables, since a real openDCIM
needs a web server. All that is made lies in one folder, which the next demo replaces.
"""

from __future__ import annotations

import io
import re
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from PIL import Image, ImageDraw
from programs import free_port, printed_by, run, say, served, write

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
    port = free_port()
    at_repository = ("--config", str(root / "repository" / "source-server.properties"))
    write(root / "repository" / "source-server.properties", _REPOSITORY.format(port=port))
    first, second = root / "first", root / "second"

    say("1. A repository, which knows one manufacturer, and a key for those who submit")
    run("source-server", "opendcim", "manufacturer", "add", "ACME Racks", *at_repository)
    key = _key(
        printed_by("source-server", "opendcim", "user", "add", "first@example.org", *at_repository)
    )
    _site(first, port, f"api-user-id = first@example.org\napi-key = {key}")
    _site(second, port, "subscribe = ACME Racks")
    _make_templates(first)
    with served(at_repository, port, root / "repository" / "server.log"):
        say("2. The first installation shares two templates: first the plan, field by field")
        run("harvester", "run", "--dry-run", *_at(first))
        say("3. The same in earnest: the templates are in the queue")
        run("harvester", "run", *_at(first))
        listed = printed_by("source-server", "opendcim", "queue", "list", *at_repository)
        say("4. Nobody else sees them before a moderator approves them")
        for request in (line.split("\t")[0] for line in listed.splitlines()):
            run("source-server", "opendcim", "queue", "show", request, *at_repository)
            run("source-server", "opendcim", "queue", "approve", request, *at_repository)
        say("5. The second installation is subscribed to the manufacturer, and pulls them")
        run("harvester", "run", *_at(second))
        say("6. Once a day is enough; a forced run finds nothing to do")
        run("harvester", "run", *_at(second))
        run("harvester", "run", "--force", *_at(second))
        say("7. A bundle for sites without internet")
        bundle = str(root / "bundle.zip")
        run("harvester", "opendcim", *_at(second), "export", bundle)
    run("harvester", "status", *_at(second))
    _show(second)
    say(f"All of it lies in {root}; the logs of the sections in first/log and second/log")
    return 0


def _site(folder: Path, port: int, more: str) -> None:
    write(folder / "harvester.properties", _HARVESTER)
    write(folder / "harvester-config.txt", _SECTION.format(port=port, more=more))
    run("harvester", "init", *_at(folder))
    run("harvester", "opendcim", *_at(folder), "init")


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
    say("8. What the second installation has now")
    with closing(sqlite3.connect(folder / "opendcim.db")) as database:
        query = "select Model, DeviceType, Height, Weight, FrontPictureFile from fac_DeviceTemplate"
        for row in database.execute(query):
            sys.stdout.write(f"  {row}\n")


def _key(printed: str) -> str:
    found = re.search(r"\b[A-Za-z0-9_-]{20,}\b", printed)
    if found is None:
        sys.exit("source-server opendcim user add printed no key; the demo stops here")
    return found[0]


if __name__ == "__main__":
    sys.exit(main())
