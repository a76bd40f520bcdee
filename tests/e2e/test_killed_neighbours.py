"""Several harvesters of the same destination, of which one is killed: the lock is free at once, and
nobody harvests at the same time as somebody else."""

from __future__ import annotations

import json
from itertools import groupby

from tests.e2e.conftest import Morning
from tests.support.instances.harvests import Harvest
from tests.support.instances.intact import is_intact, runs_of, verdicts
from tests.support.processes.killed_process import KILLED, HarvesterProcess, wait_until
from tests.support.processes.moments import Moment
from tests.support.worlds.two_days import KEYS

AT_WORK = Moment(name="a data set waits for its place")
BUSY = 11


def test_a_daemon_takes_over_from_one_that_is_killed_and_never_works_beside_it(
    morning: Morning,
) -> None:
    with morning.again(once=False) as harvest:
        harvest.section("DS1", morning.url, log_format="json", **KEYS)
        before = len(verdicts(harvest))
        first = morning.starter.start(harvest, stops_at=AT_WORK)
        first.is_at_its_moment()
        second = morning.starter.start(harvest)
        waits_for(second, "BUSY: ", number=2)
        assert harvest.run().code == BUSY
        assert verdicts(harvest)[before:] == ["None"]  # that of the first, which is at work
        first.kill()
        waits_for(second, "] done: ")
        third = morning.starter.start(harvest)
        waits_for(third, "] done: ", "BUSY: ")
        assert harvest.run("--wait").code == 0
        assert second.stops() == third.stops() == 0
        runs = list(reversed(runs_of(harvest)))[before:]
        assert [runs[0]["verdict"], runs[1]["verdict"]] == ["killed", "done"]
        assert {run["verdict"] for run in runs[2:]} <= {"nothing to do", "stopped"}
        assert [run["worker"].split()[1] for run in runs[:2]] == [str(first.pid), str(second.pid)]
        assert runs_in_log(harvest) == [run["run"] for run in runs]
        is_intact(harvest, morning.days.instance)


def waits_for(daemon: HarvesterProcess, *texts: str, number: int = 1) -> None:
    """Until its log has so many lines with one of these."""

    def happened() -> bool:
        assert daemon.is_alive, daemon.output
        return sum(daemon.output.count(text) for text in texts) >= number

    wait_until(happened, f"{texts} of {daemon.pid}")


def runs_in_log(harvest: Harvest) -> list[int]:
    """The numbers of the runs of today as they stand in the log, where the lines of each must
    stand together; what is told without a number belongs to none."""
    lines = [json.loads(line) for line in harvest.log().splitlines()]
    numbers = [line["run"] for line in lines if "run" in line]
    return [number for number, _ in groupby(numbers)]


def test_a_run_gets_the_section_as_soon_as_a_daemon_is_killed(morning: Morning) -> None:
    with morning.again(once=False) as harvest:
        daemon = morning.starter.start(harvest, stops_at=AT_WORK)
        daemon.is_at_its_moment()
        assert harvest.run().code == BUSY
        daemon.kill()
        assert daemon.code == KILLED
        result = harvest.run()
        assert result.code == 0, result.output
        assert verdicts(harvest)[-2:] == ["killed", "done"]
        is_intact(harvest, morning.days.instance)
