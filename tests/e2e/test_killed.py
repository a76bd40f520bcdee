"""The daemon is killed (SIGKILL) at many moments of a real harvest, and started again.

The next run that comes to its end has brought everything: the audit finds no difference, there is
no file without its row and no row without its file, and nobody has repaired anything. The moments:
one in each step of both passes, those that are most delicate, and a sample of all others, drawn
from a seed. All of them, or a larger sample:

    KILLS=all pytest tests/e2e/test_killed.py      (two hours; KILLS=100 takes fifteen minutes)
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from random import Random

import pytest

from shared.store.files import data_set_location
from tests.doomed import KILLED
from tests.e2e.conftest import Morning
from tests.harvests import Harvest
from tests.moments import Moment, Place, numbered, place_in
from tests.two_days import LARGE_CODE, REPLACED
from tests.whole import is_whole, runs_of, verdicts

SOAK = "KILLS" in os.environ
KILLS = os.environ.get("KILLS", "1")
READING = "Read the resource list"
STEPS = (
    "Delete entities",
    "Register master data",
    "Register entities",
    "Register attachments",
    "Synchronize files of the file service",
    "Register data sets",
    "Update timestamps and users",
    "Update frozen flags",
)
PLACES = (
    Place(step=READING),
    *(Place(rehearsal=True, step=step) for step in STEPS),
    *(Place(rehearsal=False, step=step) for step in STEPS),
)
REAL_BETWEEN = Place(rehearsal=False)
REAL_SERVICE_FILES = Place(rehearsal=False, step="Synchronize files of the file service")
REAL_DATA_SETS = Place(rehearsal=False, step="Register data sets")
LARGE_PLACE = data_set_location("", LARGE_CODE).removesuffix(LARGE_CODE).rstrip("/")

BEFORE = {
    "the run is being noted": Moment(what="statement", text="INSERT INTO run ("),
    "the run has just been noted": Moment(what="statement", text="FROM person"),
    "the list is being written": Moment(what="write", text="/list-", after=1),
    "steps 2 to 4 are about to be committed": Moment(what="commit", place=REAL_BETWEEN, after=1),
    "steps 2 to 4 have just been committed": Moment(what="make folder", text="/trash/"),
}
EARLY = {
    "the first data set is about to go to the trash": Moment(what="rename", text="/trash/"),
    "some data sets are in the trash": Moment(what="rename", text="/trash/", after=3),
    "a data set is in the trash, but that is not noted": Moment(
        what="statement", text="DELETE FROM file_move", place=REAL_BETWEEN
    ),
    "a file of the file service is about to go to the trash": Moment(
        what="rename", text="/files/second.txt"
    ),
    "a content that nobody needs is about to be removed": Moment(
        what="remove", text="/attachments/", place=REAL_BETWEEN
    ),
    "the trash is about to be purged": Moment(what="remove tree", text="/trash/"),
    "the trash is half purged": Moment(what="remove", text="old.txt"),
    "the trash is purged, but that is not noted": Moment(
        what="statement", text="FROM deletion", place=REAL_BETWEEN, after=1
    ),
    "an attachment's content is about to be put in place": Moment(
        what="rename", text="/attachments/"
    ),
    "an attachment's content is there, but no row": Moment(
        what="look into folder", text="/attachments/"
    ),
    "a file of the file service is about to be replaced": Moment(
        what="rename", text="/file-service/", place=REAL_SERVICE_FILES
    ),
}
MIDDLE = {
    "an old data set is about to make room": Moment(what="rename", text=f"{REPLACED}.replaced"),
    "the old data set has made room, and the new one is not there": Moment(
        what="rename", text=f"{REPLACED}.", after=1
    ),
    "the new data set is there, and the old one still aside": Moment(
        what="remove tree", text=f"{REPLACED}.replaced"
    ),
    "an unchanged file is about to be linked": Moment(what="link", text=REPLACED),
    "the large file is about to be put in place": Moment(what="rename", text="~partial/"),
    "a large data set is in place, but has no row": Moment(
        what="look into folder", text=LARGE_PLACE, place=REAL_DATA_SETS
    ),
    "data sets are in place, and about to be committed": Moment(
        what="statement", text="SET action = CASE WHEN EXISTS", place=REAL_DATA_SETS
    ),
}
LATE = {
    "all is done, but the source does not know": Moment(
        what="statement", text="UPDATE source SET at"
    ),
    "the not-synced file is being written": Moment(
        what="write", text=".part", place=REAL_BETWEEN, after=1
    ),
    "the not-synced file is about to be replaced": Moment(
        what="rename", text="not-synced-entities"
    ),
    "the state file is being written": Moment(
        what="write", text=".part", place=REAL_BETWEEN, after=3
    ),
    "the state file is about to be replaced": Moment(
        what="rename", text="last-sync-timestamp-file"
    ),
    "the end of the run is about to be noted": Moment(
        what="statement", text="UPDATE run SET baseline"
    ),
    "the end of the run is about to be committed": Moment(
        what="statement", text="INSERT INTO run_count"
    ),
}
"""What has just been done, or is about to be, when the daemon dies."""
DELICATE = BEFORE | EARLY | MIDDLE | LATE
NOT_NOTED = "the run is being noted"
"""There the destination does not know of the run yet."""
DATABASES = ("sqlite", "postgresql")


def lives() -> Iterator[tuple[str, tuple[str, ...]]]:
    """A database, and the moments at which the daemon dies there one after the other: to save
    time, several for each destination, and each moment on one database only. In a soak each
    moment stands for itself, on both."""
    if SOAK:
        yield from ((db, (name,)) for db in DATABASES for name in DELICATE)
        return
    for number, one in enumerate(zip_longest(BEFORE, EARLY, MIDDLE, LATE)):
        yield DATABASES[number % 2], tuple(name for name in one if name)


def dies_and_recovers(
    morning: Morning, *moments: Moment, ends: frozenset[int] = frozenset({KILLED})
) -> tuple[list[Place], list[str]]:
    """The places at which the log ended when the daemon was dead, and what became of the runs
    since then, the first one first."""
    places = []
    with morning.again() as harvest:
        before = len(runs_of(harvest))
        for moment in moments:
            dead = morning.nursery.run(harvest, dies_at=moment)
            assert dead.code in ends, f"never: {moment}\n{dead.output}"
            places.append(place_in(harvest.log()))
        again = morning.nursery.run(harvest)
        assert again.code == 0, f"{moments}\n{again.output}"
        is_whole(harvest, morning.days.instance)
        return places, verdicts(harvest)[before:]


@pytest.mark.parametrize("morning", DATABASES if SOAK else ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", [READING, *STEPS])
def test_a_daemon_that_is_killed_in_a_step_of_either_pass_recovers_by_itself(
    morning: Morning, step: str
) -> None:
    places = [place for place in PLACES if place.step == step]
    died_in, runs = dies_and_recovers(morning, *drawn(morning, places))
    assert died_in == places
    assert runs[:-1] == ["killed"] * len(places)
    assert runs[-1] in {"done", "nothing to do"}


@pytest.mark.parametrize("morning", DATABASES if SOAK else ["postgresql"], indirect=True)
def test_a_daemon_that_is_killed_in_each_step_of_both_passes_one_after_the_other_recovers(
    morning: Morning,
) -> None:
    died_in, runs = dies_and_recovers(morning, *drawn(morning, PLACES))
    assert died_in == list(PLACES)
    assert runs == ["killed"] * len(PLACES) + ["done"]


def drawn(morning: Morning, places: Sequence[Place]) -> list[Moment]:
    """Any moment of each place, but always the same."""
    moments = []
    for place in places:
        found = [one for one in numbered(morning.census) if one.place == place]
        del found[len(found) * 3 // 4 :]  # quicker than the census, there may be fewer commits
        assert len(found) > 2
        moments.append(Random(str(place)).choice(found))  # noqa: S311 - to be repeated
    return moments


@pytest.mark.parametrize(
    ("morning", "names"),
    [pytest.param(db, names, id=f"{db}: {'; then '.join(names)}") for db, names in lives()],
    indirect=["morning"],
)
def test_a_daemon_that_is_killed_at_delicate_moments_recovers_by_itself(
    morning: Morning, names: tuple[str, ...]
) -> None:
    _, runs = dies_and_recovers(morning, *(DELICATE[name] for name in names))
    assert runs[:-1] == ["killed" for name in names if name != NOT_NOTED]
    assert runs[-1] in {"done", "nothing to do"}


def sample(moments: list[Moment]) -> list[Moment]:
    if KILLS == "all":
        return moments
    return Random(7).sample(moments, min(int(KILLS), len(moments)))  # noqa: S311 - to be repeated


def test_a_daemon_that_is_killed_at_any_moment_recovers_by_itself(morning: Morning) -> None:
    moments = numbered(morning.census)
    assert len(moments) > 500
    for moment in sample(moments):  # of the last ones there may be fewer in a quicker run
        _, runs = dies_and_recovers(morning, moment, ends=frozenset({KILLED, 0}))
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
        is_whole(harvest, morning.days.instance)
        assert verdicts(harvest)[:-1] == ["killed"] * deaths


def _dies_after(renames: int, morning: Morning, harvest: Harvest) -> bool:
    """Whether it died, and did not come to its end before."""
    moment = Moment(what="rename", after=renames)
    return morning.nursery.run(harvest, dies_at=moment).code == KILLED
