"""A week of daily runs, and more, over a source that changes from day to day.

What changes is drawn from a seed (`tests.support.worlds.changing_source`).

Some days are bad: answers come garbled, cut or not at all (`tests.support.faults.failing_days`), or
the harvester is killed on its way. Whatever a day was like, everything has arrived after the first
run that nothing disturbs, once the operator has answered what the harvester asks: releases the
deletions that it held back, and has what failed tried again if it is still waiting for its next
try.

More weeks, each drawn from a seed of its own, and a longer long one:

    WEEKS=20 pytest tests/e2e/test_a_week.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.support.faults.failing_days import FailingDays
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.processes.dies_after_n import commands_that_die
from tests.support.servers.mail_server import mail_server
from tests.support.worlds.changes import CHANGES, attach, new_data_set
from tests.support.worlds.changing_source import ChangingSource
from tests.support.worlds.daily_life import (
    DONE,
    HELD_BACK,
    LOG_DAYS,
    PARTIAL,
    RUN_DAYS,
    TRASH_DAYS,
    Life,
)

WEEKS = int(os.environ.get("WEEKS", "0"))
# Happen on bad days, so that something has to be fetched.
FILES = (new_data_set, attach, new_data_set)


@contextmanager
def a_life(root: Path, seed: int, *, url: str | None = None, busy: int = 12) -> Iterator[Life]:
    """On the evening before the first day: the first harvest is done."""
    (root / "source").mkdir(parents=True)
    source = ChangingSource(Instance.create(root / "source"), seed, busy=busy)
    source.begin()
    harvest = Harvest(root / "destination", database_url=url)
    try:
        with _living(source, harvest, seed) as life:
            life.settle()
            life.check()
            yield life
    finally:
        harvest.instance.engine.dispose()
        source.instance.engine.dispose()


@contextmanager
def _living(source: ChangingSource, harvest: Harvest, seed: int) -> Iterator[Life]:
    failing_days = FailingDays(seed)
    with (
        source.instance.served(failing_days.before()) as address,
        mail_server() as (mailbox, port),
        commands_that_die() as killers,
    ):
        _configure(harvest, address, port)
        harvest.init()
        yield Life(
            source=source,
            harvest=harvest,
            failing_days=failing_days,
            mailbox=mailbox,
            commands_that_die=killers,
            random=Random(f"life {seed}"),  # noqa: S311 - to be repeated
        )


def _configure(harvest: Harvest, address: str, mail_port: int) -> None:
    harvest.add_properties(
        f"run-retention-days = {RUN_DAYS}",
        "mail.smtp.host = 127.0.0.1",
        f"mail.smtp.port = {mail_port}",
        "mail.from = harvester@example.org",
    )
    harvest.section(
        "DS1",
        address,
        deletion_allowed="true",
        max_deletions="8, 10 %",
        master_data_update_allowed="true",
        trash_retention_days=str(TRASH_DAYS),
        log_retention_days=str(LOG_DAYS),
        full_sync="true",
        full_sync_interval="3",
        max_threads="4",
        retry_pauses="10 ms, 10 ms",
        email_addresses="operator@example.org",
    )


def live(life: Life, days: int) -> None:
    """Day after day; a bad one may end badly, but the one after it is a good one."""
    unsettled = False
    for _ in range(days):
        drawn = life.random.random()
        bad = drawn < 0.5 and not unsettled
        life.next_day(*(FILES if bad else ()))
        if bad:
            life.bad_day() if drawn < 0.38 else life.killed()
            if life.random.random() < 0.5:
                unsettled = True
                continue
        life.settle()
        life.check()
        unsettled = False
        if life.random.random() < 0.1:
            life.change_mind()
            life.check()
    if unsettled:
        life.settle()
        life.check()
    life.check_mail()


@pytest.mark.parametrize("seed", range(3 + WEEKS))
def test_every_day_of_a_week_ends_with_nothing_missing_and_nothing_left_over(
    tmp_path: Path, seed: int
) -> None:
    with a_life(tmp_path, seed) as life:
        live(life, 7)


@pytest.mark.parametrize("seed", range(1000, 1001 + WEEKS // 4))
def test_a_week_with_a_destination_in_postgresql(
    tmp_path: Path, postgres_url: str, seed: int
) -> None:
    with a_life(tmp_path, seed, url=postgres_url) as life:
        live(life, 7)


def test_a_source_does_all_that_it_can_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    stories = []
    for root, days in ((tmp_path / "one", 60), (tmp_path / "two", 5)):
        root.mkdir()
        source = ChangingSource(Instance.create(root), 5)
        source.begin()
        for _ in range(days):
            source.live_a_day()
        source.instance.engine.dispose()
        stories.append(source.story)
    done = {line.split(":")[0].strip() for line in stories[0] if ":" in line}
    assert done == {change.__name__ for change, _ in CHANGES}
    assert stories[0][: len(stories[1])] == stories[1]


def test_nothing_piles_up_in_many_quiet_weeks(tmp_path: Path) -> None:
    days = 7 * max(6, WEEKS)
    with a_life(tmp_path, 99, busy=3) as life:
        live(life, days)
    assert life.codes.keys() > {DONE, PARTIAL, HELD_BACK}, life.story
