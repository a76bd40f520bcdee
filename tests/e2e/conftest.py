"""A source with two days, and harvesters that can be interrupted at any moment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.instances.harvests import Harvest
from tests.support.instances.intact import copied
from tests.support.processes.killed_process import Starter, a_starter
from tests.support.processes.moments import Seen, read_census
from tests.support.servers.postgres import Postgres
from tests.support.worlds.two_days import TwoDays, until_the_evening


@pytest.fixture(autouse=True)
def quick_certificates(one_authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))


@pytest.fixture(scope="session")
def starter(one_authority: Path) -> Iterator[Starter]:
    with a_starter({"SSL_CERT_FILE": str(one_authority)}) as found:
        yield found


@dataclass(slots=True, kw_only=True)
class Morning:
    """The second day has begun: a source, and a harvester that has seen the first day only."""

    days: TwoDays
    harvest: Harvest
    starter: Starter
    url: str
    root: Path
    # A copy of the database, if it is none of SQLite, which lies in the folder.
    copy_database: Callable[[], str | None]
    _census: list[Seen] = field(default_factory=list)
    _number: int = 0

    @property
    def census(self) -> list[Seen]:
        """All moments that the harvest of this day has, without an interruption."""
        if not self._census:
            with self.again() as harvest:
                file = self.root / "census"
                assert self.starter.run(harvest, census=file).code == 0
                self._census = read_census(file)
        return self._census

    @contextmanager
    def again(self, *, root: Path | None = None, once: bool = True) -> Iterator[Harvest]:
        """The same morning, for one who may spoil it."""
        self._number += 1
        folder = root or self.root / str(self._number)
        harvest = copied(self.harvest, folder, self.copy_database())
        if once:
            harvest.add_properties("execute-only-once = true")
            harvest._write()
        try:
            yield harvest
        finally:
            harvest.instance.engine.dispose()
            if root is None:
                shutil.rmtree(folder)

    @contextmanager
    def anew(self) -> Iterator[Harvest]:
        """The same source for one who has never harvested it."""
        with self.again() as harvest:
            harvest.start_anew()
            for log in harvest.root.glob("*.log*"):
                log.unlink()
            yield harvest


@contextmanager
def a_morning(root: Path, found: Starter, postgres: Postgres | None = None) -> Iterator[Morning]:
    """The source is published by a server within this process."""
    days = TwoDays.begin(root / "source")
    url = None
    if postgres:
        name = f"morning_{os.getpid()}"
        postgres.create(name)
        url = postgres.url(name)
    copies: list[str] = []

    def copy_database() -> str | None:
        if postgres is None:
            return None
        copies.append(f"{name}_{len(copies)}")
        postgres.create(copies[-1], template=name)
        return postgres.url(copies[-1])

    with days.instance.served() as address:
        harvest = Harvest(root / "evening", database_url=url)
        until_the_evening(days, harvest, address)
        days.next_day()
        yield Morning(
            days=days,
            harvest=harvest,
            starter=found,
            url=address,
            root=root,
            copy_database=copy_database,
        )
    days.instance.engine.dispose()
    harvest.instance.engine.dispose()
    if postgres:
        for one in (*copies, name):
            postgres.drop(one)


@pytest.fixture(scope="session")
def morning_on_sqlite(
    starter: Starter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Morning]:
    with a_morning(tmp_path_factory.mktemp("sqlite"), starter) as found:
        yield found


@pytest.fixture(scope="session")
def morning_on_postgresql(
    starter: Starter, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Morning]:
    with a_morning(tmp_path_factory.mktemp("postgresql"), starter, postgres) as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def morning(request: pytest.FixtureRequest) -> Morning:
    """Once for each database that a destination may have."""
    found: Morning = request.getfixturevalue(f"morning_on_{request.param}")
    return found
