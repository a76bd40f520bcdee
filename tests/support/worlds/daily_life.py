"""A source, its harvester, its operator, and days on which all fails, from day to day."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from random import Random

import pytest

from shared.model.entities import Entity
from shared.model.kinds import Kind
from tests.support.faults.failing_days import FailingDays
from tests.support.instances.harvests import Harvest, Result
from tests.support.processes.dies_after_n import DyingCommands
from tests.support.servers.mail_server import Mailbox
from tests.support.worlds.changing_source import ChangingSource
from tests.support.worlds.changing_world import Change
from tests.support.worlds.passing_days import a_day_passes, disorder, logs, rows_without_file

# How long the harvester keeps what it deleted, its logs, and its memory of runs.
TRASH_DAYS, LOG_DAYS, RUN_DAYS = 3, 3, 5
MILLISECONDS_A_DAY = 86_400_000
DONE, UNREACHABLE, UNUSABLE, PARTIAL, HELD_BACK = 0, 3, 5, 7, 8
# So many times at most the operator has to answer before everything is done.
MOST_QUESTIONS = 4


@dataclass(slots=True, kw_only=True)
class Life:
    """A source, its harvester, its operator, and days on which all fails."""

    source: ChangingSource
    harvest: Harvest
    failing_days: FailingDays
    mailbox: Mailbox
    commands_that_die: DyingCommands
    random: Random
    day: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    kills: int = 0

    def tell(self, text: str) -> None:
        self.source.story.append(f"  > {text}")

    @property
    def story(self) -> str:
        return "\n".join(self.source.story)

    def next_day(self, *surely: Change) -> None:
        self.day += 1
        a_day_passes(self.harvest)
        self.source.live_a_day(*surely)

    def run(self) -> Result:
        """The daily run."""
        result = self._in_a_process() if self.random.random() < 0.05 else self.harvest.run()
        self.codes[result.code] += 1
        self.tell(f"run: {result.code}, {result.output.strip().rpartition(chr(10))[2]}")
        return result

    def _in_a_process(self) -> Result:
        process = self.harvest.start("run")
        output, _ = process.communicate()
        return Result(process.returncode, output)

    def bad_day(self) -> None:
        """A few runs, of which nobody can know how far they come."""
        self.tell(self.failing_days.bad(self.day))
        for _ in range(self.random.randint(1, 3)):
            result = self.run()
            expected = {DONE, UNREACHABLE, UNUSABLE, PARTIAL, HELD_BACK}
            assert result.code in expected, f"{self.story}\n{result.output}"
            assert rows_without_file(self.harvest.instance) == set(), self.story
        self.failing_days.calm()

    def killed(self) -> None:
        """The harvester dies when it is about to write something."""
        moment = self.random.randint(0, 120)
        config = str(self.harvest.root / "harvester.properties")
        with suppress(RuntimeError):  # it had less to do, and held something back
            self.commands_that_die.run(["run", "--config", config], after=moment)
        self.kills += 1
        self.tell(f"killed after {moment} moments, if not at its end")

    def settle(self) -> None:
        """Runs that nothing disturbs, and an operator who answers."""
        for _ in range(MOST_QUESTIONS):
            result = self.run()
            if result.code == DONE:
                return
            assert result.code in {PARTIAL, HELD_BACK}, f"{self.story}\n{result.output}"
            self._answer(result)
        pytest.fail(f"{self.story}\nis not done after {MOST_QUESTIONS} runs")

    def _answer(self, result: Result) -> None:
        instance = self.harvest.instance
        now = round(time.time() * 1000)
        failed = instance.rows(f"SELECT perm_id, next_try > {now} FROM failed_item")  # noqa: S608
        if result.code == PARTIAL:
            assert failed, f"{self.story}\n{result.output}"
            assert all(waits for _, waits in failed), f"{self.story}\n{result.output}"
            assert self.harvest.command("retry").code == 0
            self.tell(f"operator: retry of {len(failed)}")
        if instance.rows("SELECT 1 FROM held_deletion WHERE released = false"):
            ((run,),) = instance.rows("SELECT max(id) FROM run")
            released = self.harvest.command("release", str(run))
            assert released.code == 0, f"{self.story}\n{released.output}"
            self.tell(f"operator: release {run}")

    def change_mind(self) -> None:
        """The operator restores what a run deleted, and sees later that the source was right."""
        rows = self.harvest.instance.rows
        in_trash = [number for (number,) in rows("SELECT id FROM deletion ORDER BY id")]
        if not in_trash:
            return
        number = str(self.random.choice(in_trash))
        result = self.harvest.command("trash", "restore", number, "--with-containers")
        assert result.code in {DONE, PARTIAL}, f"{self.story}\n{result.output}"
        self.tell(f"operator: trash restore {number}: {result.code}")
        restored = rows("SELECT kind, perm_id FROM restored ORDER BY kind, perm_id")
        assert result.code == PARTIAL or restored, self.story
        self.settle()
        assert rows("SELECT kind, perm_id FROM restored ORDER BY kind, perm_id") == restored
        there = {(str(kind), perm_id) for kind, perm_id in self.harvest.instance.entities()}
        assert there.issuperset((k, i) for k, i in restored if k != "FILE"), self.story
        assert list(disorder(self.harvest.instance)) == [], self.story
        for kind in sorted({str(kind) for kind, _ in restored}):
            assert self.harvest.command("trash", "follow", "--kind", kind).code == 0
        self.tell(f"operator: trash follow, {len(restored)}")
        self.settle()

    def check_mail(self) -> None:
        """Bad news, each of them once a day, and the good ones after them; no others."""
        bad = self.codes.total() - self.codes[DONE]
        subjects = [str(message["Subject"]) for message in self.mailbox.messages]
        assert len(subjects) <= 2 * (bad + self.kills), f"{self.story}\n{subjects}"
        assert subjects or not bad, self.story

    def check(self) -> None:
        """Everything is here, nothing else, and nothing piles up."""
        audit = self.harvest.audit()
        assert audit.code == 0, f"{self.story}\n{audit.output}"
        visible, here = self.source.visible(), self.harvest.instance.entities()
        assert visible.keys() == here.keys(), self.story
        samples = {perm_id for kind, perm_id in visible if kind is Kind.SAMPLE}
        differing = [
            difference
            for key, there in visible.items()
            for difference in differences(without_hidden(here[key], there, samples), there)
        ]
        assert differing == [], f"{self.story}\n{differing}"
        held, wanted = self.harvest.instance.bytes_held(), self.source.visible_files()
        assert [n for n, content in wanted.items() if held.get(n) != content] == [], self.story
        assert list(disorder(self.harvest.instance)) == [], self.story
        piled = list(heaps(self.harvest))
        assert piled == [], f"{self.story}\n{piled}"


def without_hidden(here: Entity, there: Entity, samples: Collection[str]) -> Entity:
    """A value that names a sample stays here when a narrower role hides that sample."""
    kept = {
        code: value
        for code, value in here.properties.items()
        if code in there.properties or code != "FRIEND" or value in samples
    }
    return replace(here, properties=kept)


def differences(here: Entity, there: Entity) -> Iterator[str]:
    """Field by field; the order of connections means nothing."""
    for one in fields(Entity):
        ours, theirs = getattr(here, one.name), getattr(there, one.name)
        if one.name == "connections":
            ours, theirs = set(ours), set(theirs)
        if ours != theirs:
            yield f"{there.kind} {there.perm_id} {one.name}: {ours} is not {theirs}"


def heaps(harvest: Harvest) -> Iterator[str]:
    """What lies about although it is done with, or longer than it may."""
    rows = harvest.instance.rows
    for table in (
        "failed_item",
        "held_deletion",
        "notice",
        "file_removal",
        "file_move",
        "restored",
    ):
        yield from (f"{table}: {row}" for row in rows(f"SELECT * FROM {table}"))  # noqa: S608
    for table in ("run_count", "run_failure"):
        query = f"SELECT * FROM {table} WHERE run NOT IN (SELECT id FROM run)"  # noqa: S608
        yield from (f"{table} of no run: {row}" for row in rows(query))
    yield from _outlasted(harvest)
    temporary = harvest.instance.store.temporary
    left = set(temporary.rglob("*")) - {temporary / "DS1"}
    yield from (f"left in temp: {file}" for file in sorted(left))
    in_trash = {str(number) for (number,) in rows("SELECT id FROM deletion")}
    found = {folder.name for folder in (harvest.instance.store.root / "trash").glob("*")}
    yield from (f"trash of no deletion: {name}" for name in found - in_trash)


def _outlasted(harvest: Harvest) -> Iterator[str]:
    rows, now = harvest.instance.rows, round(time.time() * 1000)
    minute = 60_000  # since it ran
    oldest = now - TRASH_DAYS * MILLISECONDS_A_DAY - minute
    query = f"SELECT id FROM deletion WHERE deleted < {oldest}"  # noqa: S608
    yield from (f"deletion {number} should be gone" for (number,) in rows(query))
    oldest = now - RUN_DAYS * MILLISECONDS_A_DAY - minute
    last = "SELECT max(id) FROM run"  # before it, the runs of the last successes were others
    kept = f"SELECT max(id) FROM run WHERE id < ({last}) GROUP BY verdict"  # noqa: S608
    query = f"SELECT id FROM run WHERE started < {oldest} AND id NOT IN ({kept})"  # noqa: S608
    yield from (f"run {number} should be forgotten" for (number,) in rows(query))
    first = date.today() - timedelta(days=LOG_DAYS)  # noqa: DTZ011 - logs are in local time
    for log in logs(harvest)[1:]:
        day = log.name.rpartition(".log.")[2][:10]
        if date.fromisoformat(day) < first:
            yield f"log {log.name} should be gone"
