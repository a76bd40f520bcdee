"""The daemon is killed (SIGKILL) at many moments of a real harvest, and started again.

The next run that comes to its end has brought everything: the audit finds no difference, there is
no file without its row and no row without its file, and nobody has repaired anything. The moments:
the beginning and the end of each step in both passes, all checkpoints of the code (`delicate`), and
a sample of all that a harvest has, drawn from a seed. All of these, or a larger sample:

    KILLS=all pytest tests/e2e/test_killed.py      (two hours; KILLS=100 takes fifteen minutes)
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import zip_longest
from random import Random

import pytest

from harvester.openbis.steps.frozen_flags import copy_immutable_times
from harvester.openbis.sync import STEPS
from tests.e2e.conftest import Morning
from tests.e2e.delicate import BEFORE, COMMITTED, EARLY, IN_A_HARVEST, LATE, MIDDLE
from tests.support.instances.harvests import Harvest
from tests.support.instances.intact import is_intact, runs_of, verdicts
from tests.support.processes.killed_process import KILLED
from tests.support.processes.moments import RUN_BEGINS, STEP_BEGINS, STEP_ENDS, Moment, numbered

SOAK = "KILLS" in os.environ
KILLS = os.environ.get("KILLS", "1")
# The last step is one of its own only in a section that does not keep frozen flags.
TITLES = tuple(step.title for step in STEPS if step.run is not copy_immutable_times)
DATABASES = ("sqlite", "postgresql")


def lives() -> Iterator[tuple[str, tuple[Moment, ...]]]:
    """A database, and the moments at which the daemon dies there one after the other: to save
    time, several for each destination, and each moment on one database only. In a soak each
    moment stands for itself, on both."""
    if SOAK:
        yield from ((db, (moment,)) for db in DATABASES for moment in IN_A_HARVEST)
        return
    for number, one in enumerate(zip_longest(BEFORE, EARLY, MIDDLE, LATE)):
        yield DATABASES[number % 2], tuple(moment for moment in one if moment)


def dies_and_recovers(
    morning: Morning, *moments: Moment, ends: frozenset[int] = frozenset({KILLED})
) -> list[str]:
    """What became of the runs, the first one first; the last one was not killed."""
    with morning.again() as harvest:
        before = len(runs_of(harvest))
        for moment in moments:
            dead = morning.starter.run(harvest, dies_at=moment)
            assert dead.code in ends, f"never: {moment}\n{dead.output}"
        again = morning.starter.run(harvest)
        assert again.code == 0, f"{moments}\n{again.output}"
        is_intact(harvest, morning.days.instance)
        return verdicts(harvest)[before:]


def in_steps(*names: str, steps: Sequence[str]) -> list[Moment]:
    """These moments of each step, in the dry run and in the real pass."""
    return [
        Moment(name=name, about=step, rehearsal=rehearsal)
        for rehearsal in (True, False)
        for step in steps
        for name in names
    ]


@pytest.mark.parametrize("morning", DATABASES if SOAK else ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", TITLES)
def test_a_daemon_that_is_killed_in_a_step_of_either_pass_recovers_by_itself(
    morning: Morning, step: str
) -> None:
    moments = in_steps(STEP_BEGINS, STEP_ENDS, steps=[step])
    runs = dies_and_recovers(morning, *moments)
    assert runs[:-1] == ["killed"] * len(moments)
    assert runs[-1] in {"done", "nothing to do"}


@pytest.mark.parametrize("morning", DATABASES if SOAK else ["postgresql"], indirect=True)
def test_a_daemon_that_is_killed_in_each_step_of_both_passes_one_after_the_other_recovers(
    morning: Morning,
) -> None:
    moments = in_steps(STEP_BEGINS, steps=TITLES)
    assert dies_and_recovers(morning, *moments) == ["killed"] * len(moments) + ["done"]


@pytest.mark.parametrize(
    ("morning", "moments"),
    [pytest.param(db, one, id=f"{db}: {'; then '.join(map(str, one))}") for db, one in lives()],
    indirect=["morning"],
)
def test_a_daemon_that_is_killed_at_delicate_moments_recovers_by_itself(
    morning: Morning, moments: tuple[Moment, ...]
) -> None:
    runs = dies_and_recovers(morning, *moments)
    assert runs[:-1] == ["killed" for moment in moments if moment.name != RUN_BEGINS]
    assert runs[-1] in {"done", "nothing to do"}


def test_what_is_kept_aside_of_committed_data_sets_when_a_daemon_is_killed_goes_after_days(
    morning_on_sqlite: Morning,
) -> None:
    """Only the run that brings a data set knows that nothing of it is wanted any more."""
    with morning_on_sqlite.again() as harvest:
        assert morning_on_sqlite.starter.run(harvest, dies_at=COMMITTED).code == KILLED
        assert morning_on_sqlite.starter.run(harvest).code == 0
        days_ago = time.time() - timedelta(days=3).total_seconds()
        for kept in (harvest.instance.store.temporary / "DS1~partial").iterdir():
            os.utime(kept, (days_ago, days_ago))
        assert morning_on_sqlite.starter.run(harvest).code == 0
        is_intact(harvest, morning_on_sqlite.days.instance)


def sample(moments: list[Moment]) -> list[Moment]:
    if KILLS == "all":
        return moments
    return Random(7).sample(moments, min(int(KILLS), len(moments)))  # noqa: S311 - to be repeated


def test_a_daemon_that_is_killed_at_any_moment_recovers_by_itself(morning: Morning) -> None:
    moments = numbered(morning.census)
    assert len(moments) > 500
    for moment in sample(moments):  # of the last ones there may be fewer in a quicker run
        runs = dies_and_recovers(morning, moment, ends=frozenset({KILLED, 0}))
        assert runs[-1] in {"done", "nothing to do"}, moment


@pytest.mark.parametrize("morning", DATABASES if SOAK else ["sqlite"], indirect=True)
def test_a_daemon_that_is_killed_again_and_again_in_its_first_harvest_comes_to_its_end(
    morning: Morning,
) -> None:
    """An empty destination; each daemon lives a little longer than the one before."""
    with morning.anew() as harvest:
        deaths = 0
        while _dies_after(12 * deaths, morning, harvest):
            deaths += 1
        assert deaths > 3
        is_intact(harvest, morning.days.instance)
        assert verdicts(harvest)[:-1] == ["killed"] * deaths


def _dies_after(renames: int, morning: Morning, harvest: Harvest) -> bool:
    """Whether it died, and did not come to its end before."""
    moment = Moment(name="os.rename", after=renames)
    return morning.starter.run(harvest, dies_at=moment).code == KILLED
