"""A harvester for tests: a folder with its settings, a destination, and its real commands."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harvester.__main__ import main as harvester
from harvester.execution.one_section import execute_section
from harvester.runs.destination import Destination
from harvester.runs.job import RunOptions
from harvester.runs.section_report import SectionReport
from harvester.settings.chosen import choose
from shared.store.engine import connect, open_store
from shared.store.master_data import flatten, write_definitions
from shared.store.shipped import SHIPPED
from shared.store.tables import LOCAL, metadata
from shared.store.users import Role, add_persons, grant, set_password
from tests.support.instances.instance import PASSWORD, PROJECT, USER, Instance, hashed, new_store
from tests.support.instances.settings_files import write_private


@dataclass(frozen=True, slots=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    output: str


class Harvest:
    """A harvester's configuration folder with its destination."""

    def __init__(self, root: Path, *, database_url: str | None = None) -> None:
        self.root = root
        self.root.mkdir(parents=True, exist_ok=True)
        self.sections: dict[str, str] = {}
        self._url = database_url or f"sqlite:///{self.root}/instance.db"
        self._properties = [
            "harvester-config-file = harvester-config.txt",
            "storeroot-dir = store",
            "file-service-repository-path = file-service",
            f"database-url = {database_url or 'sqlite:///instance.db'}",
        ]
        self.instance = Instance(self.root, connect(self._url))

    def section(self, name: str, url: str, **keys: str) -> None:
        """Configure a section; keys with ``_`` for ``-``."""
        given = {
            "resource-list-url": f"{url}/datastore_server/re-sync",
            "data-source-dss-url": f"{url}/datastore_server",
            "data-source-auth-user": USER,
            "data-source-auth-pass": PASSWORD,
            "harvester-user": "admin",
            "harvester-pass": "secret",
        } | {key.replace("_", "-"): value for key, value in keys.items()}
        self.sections[name] = "\n".join(f"{key} = {value}" for key, value in given.items() if value)
        self._write()

    def add_properties(self, *lines: str) -> None:
        self._properties += lines

    def _write(self) -> None:
        properties = "\n".join(self._properties)
        write_private(self.root / "harvester.properties", properties)
        config = "\n\n".join(f"[{name}]\n{text}" for name, text in self.sections.items())
        write_private(self.root / "harvester-config.txt", config)

    def command(self, name: str, *options: str) -> Result:
        """Run a command of the harvester in this process."""
        output = io.StringIO()
        config = str(self.root / "harvester.properties")
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = harvester([name, "--config", config, *options])
        return Result(code, output.getvalue())

    def init(self) -> None:
        """What ``harvester init`` does, but quicker."""
        engine = new_store(self._url)
        with engine.begin() as connection:
            write_definitions(connection, LOCAL, flatten(SHIPPED))
            add_persons(connection, LOCAL, ["admin"])
            set_password(connection, "admin", hashed("secret"))
            grant(connection, "admin", Role.ADMIN)
        engine.dispose()

    def run(self, *options: str) -> Result:
        return self.command("run", *options)

    def audit(self) -> Result:
        return self.command("audit", "--contents")

    def start(self, name: str, *options: str) -> subprocess.Popen[str]:
        """Run a command as a process of its own."""
        config = str(self.root / "harvester.properties")
        return subprocess.Popen(
            [sys.executable, "-m", "harvester", name, "--config", config, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=PROJECT,
        )

    def converges(self) -> None:
        """One more run must bring everything, and the audit must find nothing to say."""
        result = self.run()
        assert result.code == 0, result.output
        self.agrees()

    def agrees(self) -> None:
        result = self.audit()
        assert result.code == 0, result.output

    def state(self, section: str = "DS1") -> str:
        return (self.root / f"last-sync-timestamp-file_{section}.txt").read_text()

    def log(self, section: str = "DS1") -> str:
        return (self.root / f"synchronization_{section}.log").read_text()

    def execute(self, name: str = "DS1") -> SectionReport:
        """Run one section, with all its deletions confirmed, and see its report."""
        chosen = choose(self.root / "harvester.properties", [name])
        assert chosen.faults == ()
        engine = open_store(chosen.settings.database_url.get_secret_value())
        destination = Destination(engine=engine, settings=chosen.settings)
        asked = RunOptions(deletions_confirmed=True)
        report = execute_section(chosen.sections[0], destination, asked)
        engine.dispose()
        return report

    def start_anew(self) -> None:
        """Forget everything that was ever harvested."""
        with self.instance.engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        for folder in ("store", "file-service"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        for file in self.root.glob("*_*.txt"):  # what a section remembers
            file.unlink()
        self.init()
