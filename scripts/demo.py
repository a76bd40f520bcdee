"""The main job, from nothing: a source is made and served, and harvested into a second instance.

Every program runs as a process of its own, as an operator would start it; each command is printed
before it runs. All that is made lies in one folder, which the next demo replaces.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from programs import free_port, run, say, served, write

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


def contents(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a data store, with that of the file service."""
    files = (path for name in ("store", "file-service") for path in (folder / name).rglob("*"))
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file()
    }


def _say_move(origin: Path, target: Path) -> None:
    say(f"   mv {origin} {target}")
    origin.rename(target)


def _harvest_without_share(source: Path, harvester: Path, here: tuple[str, str]) -> None:
    """Nothing of the copy may change while the files of the source are away."""
    share = source / "data" / "store"
    away = share.with_name("store.unmounted")
    before = contents(harvester / "data")
    _say_move(share, away)
    run("harvester", "run", *here)
    kept = contents(harvester / "data") == before
    _say_move(away, share)
    if not kept:
        sys.exit("the copy is not whole any more; the demo stops here")
    say("   The copy is whole: all its files are as they were; and the share is back")


def main() -> int:
    """Returns 0 if every step did what it should."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "demo").absolute()
    shutil.rmtree(root, ignore_errors=True)
    source, harvester = root / "source", root / "harvester"
    port = free_port()
    write(source / "source-server.properties", _SOURCE.format(port=port))
    write(harvester / "harvester.properties", _HARVESTER)
    write(harvester / "harvester-config.txt", _SECTIONS.format(port=port))
    at_source = ("--config", str(source / "source-server.properties"))
    here = ("--config", str(harvester / "harvester.properties"))

    say("1. A source: an invented botanical garden, with every kind of entity, files and AFS data")
    run("source-server", "demo", *at_source)
    say("2. A destination: empty but for its admin user and openBIS's internal definitions")
    run("harvester", "init", *here)
    with served(at_source, port, source / "server.log"):
        say("3. The first harvest: a dry-run pass, then the nine steps in earnest")
        run("harvester", "run", *here)
        say("4. The second harvest finds nothing to do")
        run("harvester", "run", *here)
        say("5. A day passes at the source: one sample is updated, one deleted, a data set is new")
        run("source-server", "demo", "--next-day", *at_source)
        run("harvester", "run", *here)
        say("6. The audit compares both instances, down to the checksum of every file")
        run("harvester", "audit", "--contents", *here)
        say("7. The share of the source's data store is unmounted, and harvested all the same")
        _harvest_without_share(source, harvester, here)
        run("harvester", "run", *here)
        run("harvester", "audit", "--contents", *here)
    say("8. What the destination remembers: its runs, and what was deleted")
    run("harvester", "runs", *here)
    run("harvester", "trash", "list", *here)
    run("harvester", "status", *here)
    say(f"All of it lies in {root}; the log of the section in harvester/log")
    return 0


if __name__ == "__main__":
    sys.exit(main())
