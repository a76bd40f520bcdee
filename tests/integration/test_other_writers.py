"""Each writer waits for other writers, and none waits for a source in a transaction."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from harvester.memory.failures import failed_items
from harvester.openbis.failed_items import Standing, remember
from harvester.openbis.not_synced import NotSynced
from harvester.runs.harvested import Harvested
from harvester.runs.report import Outcome, PassReport
from shared.errors import ItemError
from shared.model.kinds import Kind
from shared.store.engine import viewing
from shared.store.writers import wait_for_writers
from tests.support.faults.faulty_source import LIST
from tests.support.instances.builders import a_sample, a_space, some_master_data
from tests.support.instances.full_instance import FullInstance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.instances.settings_files import section_of
from tests.support.processes.programs import PATIENCE, started

_WRITER = """
import sqlite3, sys, threading, time
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("CREATE TABLE IF NOT EXISTS busy (n INTEGER)")
print("ready", flush=True)
while not ended.is_set():
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO busy VALUES (1)")
    time.sleep(0.03)
    connection.execute("COMMIT")
    time.sleep(0.05)
"""


@contextmanager
def a_busy_writer(database: Path) -> Iterator[None]:
    """Another process that has the writer's lock again and again."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
        process.communicate(timeout=PATIENCE)


def test_a_run_with_failures_ends_well_beside_a_busy_writer(
    source: Instance, full_instance: FullInstance, harvest: Harvest
) -> None:
    source.store.data_set_file(full_instance.raw.code, "original/run/hello.txt").unlink()
    harvest.init()
    with source.served() as url, a_busy_writer(harvest.root / "instance.db"):
        harvest.section("DS1", url, retry_pauses=",")
        harvest.section("DS2", url, retry_pauses=",")
        harvest.add_properties("parallel-sections = 2")
        for _ in range(3):
            result = harvest.run()
            assert result.code == 7, result.output
            assert "FAILED" not in result.output
            assert harvest.command("retry").code == 0
    assert "hello.txt" in harvest.command("failed").output


def harvested(failed: ItemError) -> Harvested:
    outcome = Outcome()
    outcome.fail(failed)
    one = PassReport(dry_run=False, steps={"Register data sets": outcome})
    return Harvested(passes=(one,))


def test_failures_are_written_down_when_another_writer_is_done(
    harvest: Harvest, tmp_path: Path
) -> None:
    """Whatever that one wrote: on SQLite it is too late to wait after the first look."""
    harvest.init()
    done = harvested(ItemError(Kind.DATA_SET, "1-1", "no such file"))
    before = Standing(file=NotSynced(), waiting=(), requested=frozenset())
    asked: list[float] = []
    engine = harvest.instance.engine
    with engine.connect() as connection, engine.connect() as other:
        other.execute(text("INSERT INTO meta VALUES ('written', 'meanwhile')"))

        def pause(seconds: float) -> None:
            asked.append(seconds)
            if len(asked) == 2:
                other.commit()

        wait_for_writers(connection, pause)
        remember(connection, section_of(tmp_path), before, done)
        assert len(asked) == 2
        with viewing(connection):
            assert [one.perm_id for one in failed_items(connection)] == ["1-1"]


class Halfway:
    """Stands before a source: so much of the list comes, and the rest when the test lets it."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._reached = threading.Event()
        self._opened = threading.Event()

    def __call__(self, app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(LIST):
                await app(scope, receive, send)
                return
            plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]

            async def halting(message: Any) -> None:
                body = message.get("body", b"")
                if len(body) > self._left and not self._opened.is_set():
                    await send({**message, "body": body[: self._left], "more_body": True})
                    body = body[self._left :]
                    self._reached.set()
                    while not self._opened.is_set():
                        await asyncio.sleep(0.02)
                self._left -= len(body)
                await send({**message, "body": body})

            await app({**scope, "headers": plain}, receive, halting)

        return application

    def wait(self) -> None:
        assert self._reached.wait(PATIENCE)

    def open(self) -> None:
        self._opened.set()


_INCOMING = "SELECT count(*) FROM pg_class WHERE relname = 'incoming_entity'"
_OPEN = """
SELECT count(*), max(query) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL)
"""


def test_no_transaction_is_open_while_a_list_is_waited_for(
    source: Instance, harvest_on_postgres: Harvest
) -> None:
    """What is written of it so far is committed, and neither VACUUM nor a low-water mark waits."""
    harvest = harvest_on_postgres
    source.load(some_master_data(), a_space(), *(a_sample(n) for n in range(100, 2_100)))
    source.add_user()
    harvest.init()
    halfway = Halfway(700_000)
    with source.served(halfway) as url, harvest.instance.engine.connect() as asking:
        harvest.section("DS1", url)
        with started(harvest, "run") as program:
            halfway.wait()
            deadline = time.monotonic() + PATIENCE
            while True:  # what has come is read by and by
                there = asking.execute(text(_INCOMING)).scalar_one()
                open_now = asking.execute(text(_OPEN)).one()
                asking.rollback()
                if there and not open_now[0]:
                    break
                assert time.monotonic() < deadline, (there, open_now)
                time.sleep(0.05)
            halfway.open()
            assert program.ends() == 0, program.output
    assert len(harvest.instance.codes(Kind.SAMPLE)) == 2_000


@pytest.fixture
def harvest_on_postgres(tmp_path: Path, postgres_url: str) -> Iterator[Harvest]:
    harvest = Harvest(tmp_path / "on postgres", database_url=postgres_url)
    yield harvest
    harvest.instance.engine.dispose()
