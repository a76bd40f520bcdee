"""A harvester is killed at each moment of a run, and what that run was bringing is gone from the
source before the next one, or as it was before: nothing of it stays, neither files nor rows.

A tenth of the moments; all of them with KILLS=all, which takes two minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from shared.model.entities import Entity, ServiceFile
from tests.support.instances.builders import a_data_set, a_sample, a_service_file
from tests.support.instances.full_instance import TRIAL, FullInstance, a_full_instance
from tests.support.instances.harvests import Harvest
from tests.support.instances.instance import Instance
from tests.support.instances.intact import left_over
from tests.support.processes.dies_after_n import commands_that_die
from tests.support.worlds.passing_days import disorder

# Moments; a run has fewer.
_MOST = 300
_STEP = 1 if os.environ.get("KILLS") == "all" else 10
# So many moments come before anything is brought.
_LATE = 30
# Files of data sets are replaced, which is held back else.
_LET = ("--allow-deletions",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A source, and a harvester that has seen it."""

    source: Instance
    full_instance: FullInstance
    harvest: Harvest

    def killed_at_each_moment(
        self, change: Callable[[int], None], take_back: Callable[[], None]
    ) -> dict[int, list[str]]:
        """The source changes, a run is killed, the source changes back, the next run is whole: what
        is wrong then, by the moment of the kill."""
        found: dict[int, list[str]] = {}
        config = str(self.harvest.root / "harvester.properties")
        with commands_that_die() as killers:
            for moment in range(_LATE, _MOST, _STEP):
                change(moment)
                whole = killers.run(["run", "--config", config, *_LET], after=moment)
                take_back()
                result = self.harvest.run(*_LET)
                assert result.code == 0, result.output
                if wrong := list(self._wrong()):
                    found[moment] = wrong
                if whole:
                    break
        assert whole
        assert moment > 2 * _LATE
        return found

    def _wrong(self) -> Iterator[str]:
        yield from disorder(self.harvest.instance)
        yield from left_over(self.harvest.instance)
        audit = self.harvest.audit()
        if audit.code:
            yield audit.output


@contextmanager
def a_site(root: Path) -> Iterator[Site]:
    source, harvest = Instance.create(root / "source"), Harvest(root / "destination")
    full_instance = a_full_instance(source)
    with source.served() as url:
        harvest.section("DS1", url, deletion_allowed="true", trash_retention_days="0")
        harvest.init()
        assert harvest.run().code == 0
        yield Site(source=source, full_instance=full_instance, harvest=harvest)
    harvest.instance.engine.dispose()
    source.engine.dispose()


def short_lived(source: Instance, number: int) -> tuple[Entity, Entity, ServiceFile]:
    """A data set, and a sample with an attachment whose text mentions a file; each time other
    bytes, since what is here by its checksum is not brought again."""
    content = b"%d" % number
    data_set = a_data_set(900, experiment=TRIAL)
    files = [source.put_file(data_set.code, path, content) for path in ("original/x", "original/y")]
    sample = a_sample(
        901,
        attachments=(source.put_attachment("n.txt", content),),
        properties={"NOTES": '<img src="/openbis/openbis/file-service/n.txt">'},
    )
    return replace(data_set, files=tuple(files)), sample, a_service_file("n.txt", content)


def test_nothing_stays_of_what_a_killed_run_was_bringing_and_the_source_has_no_more(
    tmp_path: Path,
) -> None:
    with a_site(tmp_path) as site:
        source = site.source

        def change(number: int) -> None:
            source.load(*short_lived(source, number))

        def take_back() -> None:
            source.delete(a_data_set(900), a_sample(901))

        found = site.killed_at_each_moment(change, take_back)
    assert found == {}


def test_all_is_as_it_was_if_the_source_takes_back_what_a_killed_run_was_replacing(
    tmp_path: Path,
) -> None:
    """The rows have never changed: nothing but a note tells that the files may have."""
    with a_site(tmp_path) as site:
        source, full_instance = site.source, site.full_instance
        path = full_instance.raw.files[0].path
        place = source.store.data_set_file(full_instance.raw.code, path)
        before = place.read_bytes()

        def change(number: int) -> None:
            file = source.put_file(full_instance.raw.code, path, b"%d" % number)
            picture = a_service_file(full_instance.picture.path, b"picture %d" % number)
            source.load(replace(full_instance.raw, files=(file,)), picture)

        def take_back() -> None:
            source.put_file(full_instance.raw.code, path, before)
            source.load(full_instance.raw, full_instance.picture)

        found = site.killed_at_each_moment(change, take_back)
    assert found == {}
